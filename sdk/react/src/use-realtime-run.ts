import { useRef } from "react";
import type { RealtimeRun, SkippedColumn } from "./realtime-run.ts";
import type { AnyTask } from "./task-types.ts";
import type { HookOptions } from "./trigger-auth-context.ts";
import { useFollowedRuns } from "./use-followed-runs.ts";

export type UseRealtimeRunOptions<TTask extends AnyTask = AnyTask> = HookOptions & {
  /** Called once, when the run has ended, however it ended. */
  readonly onComplete?: (run: RealtimeRun<TTask>) => void;
  /** false: changes after the run's end (of its metadata, by its children) are followed, too. Default true. */
  readonly stopOnCompletion?: boolean;
  readonly skipColumns?: readonly SkippedColumn[];
};

export type UseRealtimeRunInstance<TTask extends AnyTask = AnyTask> = {
  /** undefined until it is there. */
  readonly run: RealtimeRun<TTask> | undefined;
  /** What ended the subscription; a connection that is lost does not. */
  readonly error: Error | undefined;
  /** Ends the subscription; the run stays as it was seen last. */
  readonly stop: () => void;
};

/**
 * A run, as it changes: `const { run, error } = useRealtimeRun<typeof myTask>(runId, { accessToken })`. The token has
 * to let it read the run. Without an id nothing is followed yet.
 */
export function useRealtimeRun<TTask extends AnyTask = AnyTask>(
  runId?: string,
  options: UseRealtimeRunOptions<TTask> = {},
): UseRealtimeRunInstance<TTask> {
  const { onComplete, stopOnCompletion = true, skipColumns = [] } = options;
  const completed = useRef<string | undefined>(undefined);
  const followed =
    runId === undefined || runId === ""
      ? undefined
      : {
          path: `/realtime/v1/runs/${encodeURIComponent(runId)}`,
          query: { skipColumns: skipColumns.join(",") },
        };
  const { runs, error, stop } = useFollowedRuns<TTask>(followed, options, ([run]) => {
    if (run?.finishedAt === undefined) return false;
    if (completed.current !== run.id) {
      completed.current = run.id;
      onComplete?.(run);
    }
    return stopOnCompletion;
  });
  return { run: runs[0], error, stop };
}
