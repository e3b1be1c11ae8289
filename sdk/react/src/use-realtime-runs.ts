/** Several runs, as they change: those with a tag, and those of a batch. */
import type { SkippedColumn } from "./realtime-run.ts";
import type { AnyTask } from "./task-types.ts";
import type { HookOptions } from "./trigger-auth-context.ts";
import { useFollowedRuns, type FollowedRuns } from "./use-followed-runs.ts";

export type UseRealtimeBatchOptions = HookOptions & {
  readonly skipColumns?: readonly SkippedColumn[];
};

export type UseRealtimeRunsWithTagOptions = UseRealtimeBatchOptions & {
  /** How far back from now runs may have been made: a duration such as `1h`, at most a week. Default `24h`. */
  readonly createdAt?: string;
};

export type UseRealtimeRunsInstance<TTask extends AnyTask = AnyTask> = FollowedRuns<TTask>;

/** Runs that have the tag, or all of several tags; also those that are made or get it later. */
export function useRealtimeRunsWithTag<TTask extends AnyTask = AnyTask>(
  tag: string | readonly string[],
  options: UseRealtimeRunsWithTagOptions = {},
): UseRealtimeRunsInstance<TTask> {
  const { createdAt, skipColumns = [] } = options;
  const tags = typeof tag === "string" ? tag : tag.join(",");
  const query = { tags, createdAt, skipColumns: skipColumns.join(",") };
  const followed = tags === "" ? undefined : { path: "/realtime/v1/runs", query };
  return useFollowedRuns<TTask>(followed, options, neverEnds);
}

/** The runs of a batch. */
export function useRealtimeBatch<TTask extends AnyTask = AnyTask>(
  batchId: string,
  options: UseRealtimeBatchOptions = {},
): UseRealtimeRunsInstance<TTask> {
  const { skipColumns = [] } = options;
  const path = `/realtime/v1/batches/${encodeURIComponent(batchId)}`;
  const followed =
    batchId === "" ? undefined : { path, query: { skipColumns: skipColumns.join(",") } };
  return useFollowedRuns<TTask>(followed, options, neverEnds);
}

function neverEnds(): boolean {
  return false;
}
