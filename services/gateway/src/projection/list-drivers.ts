/**
 * Which index a list walks.
 *
 * A field of a filter drives: each of its values is a branch that walks an index in the list's order, and the other
 * fields are conditions on the way. What that costs is decided by how many runs the walk meets, so of several fields the
 * one that leaves the fewest drives. They are counted, up to a number that is quickly counted and quickly walked: with
 * it, two fields that know nothing of each other fill a page within about as many steps, whatever they are.
 */
import { PUBLIC_STATUSES } from "@millrace/proto";
import type Database from "libsql";
import { equals, whereOf, type Column, type Condition, type Filters } from "./list-conditions.ts";
import { USUAL } from "./schema.ts";

export type Driver = {
  /** What is walked, as `place`. */
  readonly walked: string;
  /** The same where a run's other columns are needed. */
  readonly source: string;
  /** The conditions each branch begins with. */
  readonly heads: readonly (readonly Condition[])[];
  readonly driving: readonly Column[];
};

/**
 * Indexes by what they begin with; of those that leave equally many, or many, the first. Those of tasks and queues go on
 * with the status. A version's runs lie together in time: whoever walks another index meets none of them for long.
 */
const DRIVERS = [
  ["batch", "runs_batch"],
  ["bulk_action", "runs_bulk_action"],
  ["schedule", "runs_schedule"],
  ["version", "runs_version"],
  ["tag", "tags"],
  ["is_test", "runs_test"],
  ["region", "runs_region"],
  ["machine", "runs_machine"],
  ["task", "runs_task"],
  ["queue", "runs_queue"],
  ["status", "runs_status"],
] as const satisfies readonly (readonly [Column, string])[];

/** SQLite takes 500 parts of one question. */
const BRANCHES_MAX = 200;
/** Rows; more are many. */
const COUNTED_MAX = 10_000;

/**
 * @param common conditions of all branches that the indexes know: where the list begins and ends
 * @param everyTag tags that a run has all of, beside those of the filter
 */
export function chooseDriver(
  db: Database.Database,
  filters: Filters,
  everyTag: readonly string[],
  common: readonly Condition[],
): Driver {
  const [first, ...others] = driversOf(filters, everyTag);
  if (!first) return EVERYTHING;
  if (others.length === 0) return first;
  let best = { driver: first, rows: rowsOf(db, first, common, COUNTED_MAX) };
  for (const driver of others) {
    const rows = rowsOf(db, driver, common, best.rows);
    if (rows < best.rows) best = { driver, rows };
  }
  return best.driver;
}

/** How many rows it walks at most, counted up to `max`. */
function rowsOf(
  db: Database.Database,
  { walked, heads }: Driver,
  common: readonly Condition[],
  max: number,
): number {
  const parts = heads.map(
    (head) => `SELECT 1 FROM ${walked} WHERE ${whereOf([...head, ...common])}`,
  );
  const values = heads.flatMap((head) =>
    [...head, ...common].flatMap((condition) => condition.values),
  );
  const sql = `SELECT count(*) AS rows FROM (${parts.join(" UNION ALL ")} LIMIT ${max})`;
  return (db.prepare(sql).get(values) as { rows: number }).rows;
}

const EVERYTHING: Driver = driverBy("runs_created", [[]], []);

/** Those there are for a filter, by preference. */
function driversOf(filters: Filters, everyTag: readonly string[]): Driver[] {
  const drivers: Driver[] = [];
  for (const [column, index] of DRIVERS) {
    const isDriven = drivers.some(({ driving }) => driving.includes(column));
    const driver = isDriven ? undefined : driverOf(column, index, filters);
    if (driver) drivers.push(driver);
    if (column === "tag") for (const tag of everyTag) drivers.push(driverByTags([tag], []));
  }
  return drivers;
}

function driverOf(column: Column, index: string, filters: Filters): Driver | undefined {
  const values = filters.get(column);
  if (!values) return undefined;
  switch (column) {
    case "tag":
      return driverByTags(values, ["tag"]);
    case "is_test":
    case "region":
    case "machine":
      return driverByUnusual(column, index, values);
    case "task":
    case "queue":
      return driverWithStatus(column, index, values, filters.get("status") ?? PUBLIC_STATUSES);
    default: {
      const heads = values.map((value) => [equals(column, value)]);
      return driverBy(index, heads, [column]);
    }
  }
}

function driverWithStatus(
  column: Column,
  index: string,
  values: readonly unknown[],
  statuses: readonly unknown[],
): Driver | undefined {
  if (values.length * statuses.length > BRANCHES_MAX) return undefined;
  const heads = values.flatMap((value) =>
    statuses.map((status) => [equals(column, value), equals("status", status)]),
  );
  return driverBy(index, heads, [column, "status"]);
}

function driverBy(index: string, heads: Driver["heads"], driving: readonly Column[]): Driver {
  const source = `runs AS place INDEXED BY ${index}`;
  return { walked: source, source, heads, driving };
}

function driverByTags(tags: readonly unknown[], driving: readonly Column[]): Driver {
  return {
    walked: "tags AS place",
    source: "tags AS place CROSS JOIN runs ON runs.seq = place.seq",
    heads: tags.map((tag) => [equals("place.tag", tag)]),
    driving,
  };
}

/** Its index knows only what few runs have. */
function driverByUnusual(
  column: keyof typeof USUAL,
  index: string,
  values: readonly unknown[],
): Driver | undefined {
  const usual = USUAL[column];
  if (values.includes(usual)) return undefined;
  const sql = `${column} <> ${typeof usual === "string" ? `'${usual}'` : usual}`;
  const heads = values.map((value) => [equals(column, value), { sql, values: [] }]);
  return driverBy(index, heads, [column]);
}
