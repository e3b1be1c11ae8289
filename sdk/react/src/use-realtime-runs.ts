/** Several runs, as they change: those with a tag, and those of a batch. */
import { parseDuration } from "@millrace/proto";
import type { AnyTask } from "./task-types.ts";
import { useFollowedRuns, type FollowedRuns, type FollowOptions } from "./use-followed-runs.ts";

export type UseRealtimeBatchOptions = FollowOptions;

export type UseRealtimeRunsWithTagOptions = FollowOptions & {
  /** How far back from now runs may have been made: a duration such as `1h`, at most a week. Default `24h`. */
  readonly createdAt?: string | undefined;
};

export type UseRealtimeRunsInstance<TTask extends AnyTask = AnyTask> = FollowedRuns<TTask>;

const DAY_MS = 86_400_000;
const MAX_BACK_MS = 7 * DAY_MS;

/**
 * Runs that have the tag, or all of several tags; also those that are made or get it later.
 * @throws Error when `createdAt` is no duration
 */
export function useRealtimeRunsWithTag<TTask extends AnyTask = AnyTask>(
  tag: string | readonly string[],
  options: UseRealtimeRunsWithTagOptions = {},
): UseRealtimeRunsInstance<TTask> {
  const { createdAt } = options;
  const backMs = createdAt === undefined ? DAY_MS : parseDuration(createdAt);
  if (backMs === undefined) throw new Error(`createdAt: "${createdAt}" is not a duration like 24h`);
  const tags = (typeof tag === "string" ? [tag] : tag).filter((each) => each !== "");
  const selector =
    tags.length === 0 ? undefined : { tags, createdWithinMs: Math.min(backMs, MAX_BACK_MS) };
  return useFollowedRuns<TTask>(selector, options);
}

/** The runs of a batch. */
export function useRealtimeBatch<TTask extends AnyTask = AnyTask>(
  batchId: string,
  options: UseRealtimeBatchOptions = {},
): UseRealtimeRunsInstance<TTask> {
  return useFollowedRuns<TTask>(batchId === "" ? undefined : { batchId }, options);
}
