/** Runs that belong together: those one run triggered, those of a batch, those with some tags. */
import type { RunItem } from "@millrace/proto";
import type Database from "libsql";
import { selectRuns } from "./run-selection.ts";

export type SelectedRuns = {
  readonly tags: readonly string[];
  readonly batchId?: string | undefined;
  /** Epoch milliseconds. */
  readonly createdAfter: number;
  /** Only those the log says something about behind this sequence. */
  readonly changedAfter?: number;
};

const CHILDREN_MAX = 1000;

export function childrenOf(db: Database.Database, env: string, runId: string): RunItem[] {
  const rows = db
    .prepare(
      `SELECT item FROM runs INDEXED BY runs_parent WHERE env = ? AND parent = ?
       ORDER BY created_at, seq LIMIT ${CHILDREN_MAX}`,
    )
    .all(env, runId) as { item: string }[];
  return rows.map(({ item }) => JSON.parse(item) as RunItem);
}

/** The oldest first; of more than `limit` the newest. */
export function runIdsOf(
  db: Database.Database,
  env: string,
  { tags, batchId, createdAfter, changedAfter }: SelectedRuns,
  limit: number,
): string[] {
  const [tag, ...everyTag] = tags;
  const filter = { ...(tag === undefined ? {} : { tag: [tag] }), batch: batchId };
  const bounds = { from: createdAfter, to: Number.MAX_SAFE_INTEGER };
  const runs = selectRuns(db, { env, filter, bounds, everyTag, changedAfter }, limit);
  return runs.map(({ id }) => id).toReversed();
}
