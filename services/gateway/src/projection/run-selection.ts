/** Runs by filter: a page of them, or how many there are; and what is not a filter. */
import {
  parseDuration,
  PUBLIC_STATUSES,
  refuse,
  type Refusal,
  type RunFilter,
} from "@millrace/proto";
import type Database from "libsql";
import type { Direction } from "../page.ts";
import { branchesOf, type Selection } from "./list-branches.ts";
import type { Place } from "./list-conditions.ts";

const VALUES_MAX = 100;

export type ListedRun = Place & { readonly id: string; readonly item: string };

/** What a filter means now: a period becomes a time. A value no run can have is a mistake of who asks. */
export function selectionOf(
  env: string,
  filter: RunFilter,
  nowMs: number,
): { readonly ok: true; readonly selection: Selection } | Refusal {
  const statuses: readonly string[] = PUBLIC_STATUSES;
  const unknown = filter.status?.find((status) => !statuses.includes(status));
  if (unknown !== undefined)
    return refuse(
      "BAD_REQUEST",
      `filter[status]: "${unknown}" is none of ${PUBLIC_STATUSES.join(", ")}`,
    );
  for (const [field, value] of Object.entries(filter))
    if (Array.isArray(value) && value.length > VALUES_MAX)
      return refuse("BAD_REQUEST", `filter[${field}] has over ${VALUES_MAX} values`);
  const { from = 0, to = Number.MAX_SAFE_INTEGER, period } = filter;
  const backMs = period === undefined ? undefined : parseDuration(period);
  if (period !== undefined && backMs === undefined)
    return refuse(
      "BAD_REQUEST",
      `filter[createdAt][period]: "${period}" is not a duration like 7d`,
    );
  const since = backMs === undefined ? 0 : nowMs - backMs;
  return { ok: true, selection: { env, filter, bounds: { from: Math.max(from, since), to } } };
}

/** A page of runs: the newest that match, or those behind `place` in this direction, the nearest to it first. */
export function selectRuns(
  db: Database.Database,
  selection: Selection,
  limit: number,
  direction: Direction = "older",
  place?: Place,
): ListedRun[] {
  const order = direction === "older" ? "DESC" : "ASC";
  const { branches, values } = branchesOf(db, selection, direction, place);
  const parts = branches.map(
    (branch) => `SELECT * FROM (${branch} ORDER BY 1 ${order}, 2 ${order} LIMIT ${limit})`,
  );
  const sql = `SELECT runs.id, runs.created_at AS createdAt, runs.seq, runs.item
    FROM (${parts.join(" UNION ")}) AS found JOIN runs ON runs.seq = found.seq
    ORDER BY runs.created_at ${order}, runs.seq ${order} LIMIT ${limit}`;
  return db.prepare(sql).all(values) as ListedRun[];
}

/** How many runs match. */
export function countRuns(db: Database.Database, selection: Selection): number {
  const { branches, values } = branchesOf(db, selection, "older", undefined);
  const sql = `SELECT count(*) AS runs FROM (${branches.join(" UNION ")})`;
  return (db.prepare(sql).get(values) as { runs: number }).runs;
}
