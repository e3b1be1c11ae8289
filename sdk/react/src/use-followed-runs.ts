/** What the subscribing hooks have in common: runs, as they change, while the component is there. */
import { useCallback, useEffect, useRef, useState } from "react";
import { followRuns, type RunsSelector, type RunsWanted } from "./live/follow-runs.ts";
import type { RealtimeRun, SkippedColumn } from "./realtime-run.ts";
import type { AnyTask } from "./task-types.ts";
import { useApi, type HookOptions } from "./trigger-auth-context.ts";

export type FollowOptions = HookOptions & {
  /** Names the subscription: under another id it begins anew. Default: what is followed. */
  readonly id?: string | undefined;
  /** How long changes are gathered before they are shown, in milliseconds. Default 16. */
  readonly throttleInMs?: number | undefined;
  /** Columns to do without: the gateway does not send them. Default none. */
  readonly skipColumns?: readonly SkippedColumn[] | undefined;
};

export type FollowedRuns<TTask extends AnyTask> = {
  /** In the order in which they were made. */
  readonly runs: readonly RealtimeRun<TTask>[];
  readonly error: Error | undefined;
  readonly stop: () => void;
};

/** The latest render's are called. */
export type RunsListeners<TTask extends AnyTask> = {
  readonly onRuns?: (runs: readonly RealtimeRun<TTask>[]) => void;
  /** It is over: what was shown last, and the error where there was one. */
  readonly onOver?: (runs: readonly RealtimeRun<TTask>[], error: Error | undefined) => void;
};

type Seen<TTask extends AnyTask> = {
  /** Of which subscription it is: what another one saw is not shown. */
  readonly key: string;
  readonly runs: readonly RealtimeRun<TTask>[];
  readonly error: Error | undefined;
};

export const DEFAULT_THROTTLE_MS = 16;

/** undefined, or an option `enabled: false`: nothing is followed. */
export function useFollowedRuns<TTask extends AnyTask>(
  selector: RunsSelector | undefined,
  options: FollowOptions,
  listeners: RunsListeners<TTask> = {},
): FollowedRuns<TTask> {
  const api = useApi(options);
  const key = selector === undefined ? "" : keyOf(selector, options);
  const [seen, setSeen] = useState<Seen<TTask>>({ key, runs: [], error: undefined });
  const latest = useRef(listeners);
  const ending = useRef<(() => void) | undefined>(undefined);
  useEffect(() => {
    latest.current = listeners;
  });
  useEffect(() => {
    if (!api || key === "") return undefined;
    let runs: readonly RealtimeRun<TTask>[] = [];
    const isOver = (error: Error | undefined): void => {
      ending.current = undefined;
      if (error) setSeen({ key, runs, error });
      latest.current.onOver?.(runs, error);
    };
    const [, wanted] = JSON.parse(key) as readonly [string, RunsWanted];
    const unfollow = followRuns<TTask>(api, wanted, {
      onRuns: (changed) => {
        runs = changed;
        setSeen({ key, runs, error: undefined });
        latest.current.onRuns?.(runs);
      },
      onEnd: () => isOver(undefined),
      onError: isOver,
    });
    ending.current = () => {
      unfollow();
      isOver(undefined);
    };
    return () => {
      ending.current = undefined;
      unfollow();
    };
  }, [api, key]);
  const stop = useCallback(() => ending.current?.(), []);
  return seen.key === key
    ? { runs: seen.runs, error: seen.error, stop }
    : { runs: [], error: undefined, stop };
}

/** The same text is the same subscription. */
function keyOf(selector: RunsSelector, options: FollowOptions): string {
  const { id = "", throttleInMs: throttleMs = DEFAULT_THROTTLE_MS, skipColumns = [] } = options;
  return JSON.stringify([id, { selector, skipColumns, throttleMs } satisfies RunsWanted]);
}
