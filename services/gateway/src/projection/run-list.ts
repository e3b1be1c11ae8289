/**
 * `runs.list` answered from the rows.
 *
 * Cursors are run ids: a run's place (the time it was made, then its place in the log) never changes, so pages neither
 * lose nor repeat a run while new ones arrive.
 */
import { refuse, type CallInput, type Page, type Refusal, type RunItem } from "@millrace/proto";
import type Database from "libsql";
import { paginationOf } from "../page.ts";
import type { Place } from "./list-conditions.ts";
import { selectionOf, selectRuns } from "./run-selection.ts";

const DEFAULT_SIZE = 25;

export function listRuns(
  db: Database.Database,
  env: string,
  input: CallInput<"runs.list">,
  nowMs: number,
): { readonly ok: true; readonly value: Page<RunItem> } | Refusal {
  const { filter, limit = DEFAULT_SIZE, after, before } = input;
  if (after !== undefined && before !== undefined)
    return refuse("BAD_REQUEST", "Give page[after] or page[before], not both");
  const selected = selectionOf(env, filter, nowMs);
  if (!selected.ok) return selected;
  const cursor = after ?? before;
  const place = cursor === undefined ? undefined : placeOf(db, env, cursor);
  if (cursor !== undefined && !place)
    return refuse(
      "BAD_REQUEST",
      `page[${after === undefined ? "before" : "after"}]: there is no run ${cursor}`,
    );
  const direction = before === undefined ? "older" : "newer";
  const found = selectRuns(db, selected.selection, limit + 1, direction, place);
  const hasMore = found.length > limit;
  const runs = hasMore ? found.slice(0, limit) : found;
  if (direction === "newer") runs.reverse();
  const data = runs.map(({ item }) => JSON.parse(item) as RunItem);
  const isBehind = place !== undefined;
  return {
    ok: true,
    value: { data, pagination: paginationOf(runs, { direction, isBehind, hasMore }) },
  };
}

function placeOf(db: Database.Database, env: string, runId: string): Place | undefined {
  return db
    .prepare("SELECT created_at AS createdAt, seq FROM runs WHERE id = ? AND env = ?")
    .get(runId, env) as Place | undefined;
}
