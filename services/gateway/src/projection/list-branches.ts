/**
 * A filter as SQL.
 *
 * One field drives: the one that is expected to leave the fewest runs. Each of its values is a branch that walks an
 * index in the list's order, so that it can stop after a page; branches are merged. The other fields are conditions on
 * the way. Without this, several values of a field would have all their runs sorted for one page.
 */
import { PUBLIC_STATUSES, type RunFilter } from "@millrace/proto";
import type { Direction } from "../page.ts";
import { USUAL } from "./schema.ts";

/** Where a list goes on: behind this run. */
export type Place = { readonly createdAt: number; readonly seq: number };

/** Times a run was made between, ends included; `maxSeq`: those that were in the log by then. */
export type Bounds = {
  readonly from: number;
  readonly to: number;
  readonly maxSeq?: number | undefined;
};

export type Selection = {
  readonly env: string;
  readonly filter: RunFilter;
  readonly bounds: Bounds;
  /** All of these; `filter.tag` asks for any. */
  readonly everyTag?: readonly string[];
  /** Something about it is in the log behind this sequence. */
  readonly changedAfter?: number | undefined;
};

type Column =
  | "status"
  | "task"
  | "queue"
  | "version"
  | "machine"
  | "region"
  | "batch"
  | "schedule"
  | "bulk_action"
  | "is_test"
  | "tag";
type Filters = ReadonlyMap<Column, readonly unknown[]>;
type Condition = { readonly sql: string; readonly values: readonly unknown[] };

/** Indexes by what they begin with, the most selective first. Those of tasks and queues go on with the status. */
const DRIVERS = [
  ["batch", "runs_batch"],
  ["bulk_action", "runs_bulk_action"],
  ["schedule", "runs_schedule"],
  ["tag", "tags"],
  ["is_test", "runs_test"],
  ["version", "runs_version"],
  ["region", "runs_region"],
  ["machine", "runs_machine"],
  ["task", "runs_task"],
  ["queue", "runs_queue"],
  ["status", "runs_status"],
] as const satisfies readonly (readonly [Column, string])[];

/** SQLite takes 500 parts of one question. */
const BRANCHES_MAX = 200;

/** Selects `created_at, seq` of the runs that match, as parts to be united. */
export function branchesOf(
  { env, filter, bounds, everyTag = [], changedAfter }: Selection,
  direction: Direction,
  place: Place | undefined,
): { readonly branches: readonly string[]; readonly values: readonly unknown[] } {
  const filters = filtersOf(filter);
  const { source, heads, driving } = driverOf(filters);
  const tail = placeConditions(bounds, direction, place);
  for (const [column, values] of filters)
    if (!driving.includes(column))
      tail.push(column === "tag" ? tagged(values) : among(column, values));
  for (const tag of everyTag) tail.push(tagged([tag]));
  if (changedAfter !== undefined) tail.push({ sql: "last_seq > ?", values: [changedAfter] });
  const branches: string[] = [];
  const values: unknown[] = [];
  for (const head of heads) {
    const conditions = [equals("place.env", env), ...head, ...tail];
    const where = conditions.map(({ sql }) => sql).join(" AND ");
    branches.push(`SELECT place.created_at, place.seq FROM ${source} WHERE ${where}`);
    for (const condition of conditions) values.push(...condition.values);
  }
  return { branches, values };
}

function filtersOf(filter: RunFilter): Filters {
  const filters = new Map<Column, readonly unknown[]>();
  const add = (column: Column, values: readonly unknown[] | undefined): void => {
    if (values && values.length > 0) filters.set(column, [...new Set(values)]);
  };
  const one = <T>(value: T | undefined): readonly T[] | undefined =>
    value === undefined ? undefined : [value];
  add("batch", one(filter.batch));
  add("bulk_action", one(filter.bulkAction));
  add("schedule", one(filter.schedule));
  add("tag", filter.tag);
  add("version", filter.version);
  add("task", filter.taskIdentifier);
  add("queue", filter.queue?.map(queueName));
  add("status", filter.status);
  add("machine", filter.machine);
  add("region", filter.region);
  add("is_test", filter.isTest === undefined ? undefined : [filter.isTest ? 1 : 0]);
  return filters;
}

/** A task's own queue may be named by the task. */
export function queueName({
  type,
  name,
}: {
  readonly type: string;
  readonly name: string;
}): string {
  return type === "task" && !name.startsWith("task/") ? `task/${name}` : name;
}

type Driver = {
  readonly source: string;
  /** The conditions each branch begins with. */
  readonly heads: readonly (readonly Condition[])[];
  readonly driving: readonly Column[];
};

function driverOf(filters: Filters): Driver {
  for (const [column, index] of DRIVERS) {
    const values = filters.get(column);
    if (!values) continue;
    if (column === "tag")
      return {
        source: "tags AS place CROSS JOIN runs ON runs.seq = place.seq",
        heads: values.map((tag) => [equals("place.tag", tag)]),
        driving: ["tag"],
      };
    const source = `runs AS place INDEXED BY ${index}`;
    if (column === "is_test" || column === "region" || column === "machine") {
      const usual = USUAL[column];
      if (values.includes(usual)) continue;
      const isUnusual = {
        sql: `${column} <> ${typeof usual === "string" ? `'${usual}'` : usual}`,
        values: [],
      };
      const heads = values.map((value) => [equals(column, value), isUnusual]);
      return { source, heads, driving: [column] };
    }
    if (column !== "task" && column !== "queue")
      return { source, heads: values.map((value) => [equals(column, value)]), driving: [column] };
    const statuses = filters.get("status") ?? PUBLIC_STATUSES;
    if (values.length * statuses.length > BRANCHES_MAX) continue;
    const heads = values.flatMap((value) =>
      statuses.map((status) => [equals(column, value), equals("status", status)]),
    );
    return { source, heads, driving: [column, "status"] };
  }
  return { source: "runs AS place INDEXED BY runs_created", heads: [[]], driving: [] };
}

function placeConditions(
  { from, to, maxSeq }: Bounds,
  direction: Direction,
  place: Place | undefined,
): Condition[] {
  const conditions: Condition[] = [{ sql: "place.created_at BETWEEN ? AND ?", values: [from, to] }];
  if (maxSeq !== undefined) conditions.push({ sql: "place.seq <= ?", values: [maxSeq] });
  if (!place) return conditions;
  const { createdAt, seq } = place;
  const [near, beyond] = direction === "older" ? ["<=", "<"] : [">=", ">"];
  conditions.push(
    { sql: `place.created_at ${near} ?`, values: [createdAt] },
    { sql: `(place.created_at, place.seq) ${beyond} (?, ?)`, values: [createdAt, seq] },
  );
  return conditions;
}

function equals(column: string, value: unknown): Condition {
  return { sql: `${column} = ?`, values: [value] };
}

function among(column: Column, values: readonly unknown[]): Condition {
  return { sql: `${column} IN (${values.map(() => "?").join(", ")})`, values };
}

function tagged(tags: readonly unknown[]): Condition {
  const among = tags.map(() => "?").join(", ");
  return {
    sql: `EXISTS (SELECT 1 FROM tags WHERE tags.env = place.env AND tags.tag IN (${among})
      AND tags.created_at = place.created_at AND tags.seq = place.seq)`,
    values: tags,
  };
}
