import { useRef } from "react";
import type { RealtimeRun } from "./realtime-run.ts";
import type { AnyTask } from "./task-types.ts";
import { useFollowedRuns, type FollowOptions } from "./use-followed-runs.ts";

export type UseRealtimeRunOptions<TTask extends AnyTask = AnyTask> = FollowOptions & {
  /**
   * Called once, when the run has ended, however it ended; else when it was refused, or stopped, once it had been seen.
   * `error` is what `error` of the hook is then.
   */
  readonly onComplete?: ((run: RealtimeRun<TTask>, error?: Error) => void) | undefined;
  /** false: changes after the run's end (of its metadata, by its children) are followed, too. Default true. */
  readonly stopOnCompletion?: boolean | undefined;
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
  const { onComplete, stopOnCompletion = true } = options;
  const completed = useRef<string | undefined>(undefined);
  const complete = (run: RealtimeRun<TTask> | undefined, error?: Error): void => {
    if (run === undefined || completed.current === run.id) return;
    completed.current = run.id;
    onComplete?.(run, error);
  };
  const selector =
    runId === undefined || runId === "" ? undefined : { runId, beyondEnd: !stopOnCompletion };
  const { runs, error, stop } = useFollowedRuns<TTask>(selector, options, {
    onRuns: ([run]) => {
      if (run?.finishedAt !== undefined) complete(run);
    },
    onOver: ([run], failed) => complete(run, failed),
  });
  return { run: runs[0], error, stop };
}
