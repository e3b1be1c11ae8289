/**
 * `runs.list` answered from the rows.
 *
 * Cursors are run ids: a run's place (the time it was made, then its place in the log) never changes, so pages neither
 * lose nor repeat a run while new ones arrive.
 */
import {
  parseDuration,
  PUBLIC_STATUSES,
  refuse,
  type CallInput,
  type Page,
  type Refusal,
  type RunFilter,
  type RunItem,
} from "@millrace/proto";
import type Database from "libsql";
import { branchesOf, type Bounds, type Place, type Selection } from "./list-branches.ts";

const DEFAULT_SIZE = 25;
const VALUES_MAX = 100;

export type ListedRun = Place & { readonly id: string; readonly item: string };

export function listRuns(
  db: Database.Database,
  env: string,
  input: CallInput<"runs.list">,
  nowMs: number,
): { readonly ok: true; readonly value: Page<RunItem> } | Refusal {
  const { filter, limit = DEFAULT_SIZE, after, before } = input;
  if (after !== undefined && before !== undefined)
    return refuse("BAD_REQUEST", "Give page[after] or page[before], not both");
  const bounds = boundsOf(filter, nowMs);
  if (!bounds.ok) return bounds;
  const problem = problemOf(filter);
  if (problem) return problem;
  const cursor = after ?? before;
  const place = cursor === undefined ? undefined : placeOf(db, env, cursor);
  if (cursor !== undefined && !place)
    return refuse(
      "BAD_REQUEST",
      `page[${after === undefined ? "before" : "after"}]: there is no run ${cursor}`,
    );
  const selection = { env, filter, bounds };
  const direction = before === undefined ? "older" : "newer";
  const found = selectRuns(db, selection, limit + 1, direction, place);
  const hasMore = found.length > limit;
  const runs = hasMore ? found.slice(0, limit) : found;
  if (direction === "newer") runs.reverse();
  const hasOlder = direction === "older" ? hasMore : true;
  const hasNewer = direction === "newer" ? hasMore : place !== undefined;
  const [first, last] = [runs[0], runs.at(-1)];
  return {
    ok: true,
    value: {
      data: runs.map(({ item }) => JSON.parse(item) as RunItem),
      pagination: {
        ...(hasOlder && last ? { next: last.id } : {}),
        ...(hasNewer && first ? { previous: first.id } : {}),
      },
    },
  };
}

/** A page of runs: the newest that match, or those behind `place` in this direction, the nearest to it first. */
export function selectRuns(
  db: Database.Database,
  selection: Selection,
  limit: number,
  direction: "older" | "newer" = "older",
  place?: Place,
): ListedRun[] {
  const order = direction === "older" ? "DESC" : "ASC";
  const { branches, values } = branchesOf(selection, direction, place);
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
  const { branches, values } = branchesOf(selection, "older", undefined);
  const sql = `SELECT count(*) AS runs FROM (${branches.join(" UNION ")})`;
  return (db.prepare(sql).get(values) as { runs: number }).runs;
}

/** The times a filter spans, ends included. */
export function boundsOf(
  { from, to, period }: RunFilter,
  nowMs: number,
): ({ readonly ok: true } & Bounds) | Refusal {
  const backMs = period === undefined ? undefined : parseDuration(period);
  if (period !== undefined && backMs === undefined)
    return refuse(
      "BAD_REQUEST",
      `filter[createdAt][period]: "${period}" is not a duration like 7d`,
    );
  const since = backMs === undefined ? 0 : nowMs - backMs;
  return { ok: true, from: Math.max(from ?? 0, since), to: to ?? Number.MAX_SAFE_INTEGER };
}

/** A value no run can have is a mistake of who asks. */
export function problemOf(filter: RunFilter): Refusal | undefined {
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
  return undefined;
}

function placeOf(db: Database.Database, env: string, runId: string): Place | undefined {
  return db
    .prepare("SELECT created_at AS createdAt, seq FROM runs WHERE id = ? AND env = ?")
    .get(runId, env) as Place | undefined;
}
