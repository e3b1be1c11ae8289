import { useCallback, useEffect, useRef, useState } from "react";
import type { Api } from "./api.ts";
import { followStream } from "./live/follow-stream.ts";
import type { RealtimeRun } from "./realtime-run.ts";
import type { AnyTask } from "./task-types.ts";
import { useApi } from "./trigger-auth-context.ts";
import { DEFAULT_THROTTLE_MS } from "./use-followed-runs.ts";
import {
  useRealtimeRun,
  type UseRealtimeRunInstance,
  type UseRealtimeRunOptions,
} from "./use-realtime-run.ts";

/** Of each stream its parts so far. */
export type StreamResults<TStreams extends object> = {
  readonly [Key in keyof TStreams]: readonly TStreams[Key][];
};

export type UseRealtimeRunWithStreamsInstance<
  TTask extends AnyTask = AnyTask,
  TStreams extends object = Record<string, unknown>,
> = UseRealtimeRunInstance<TTask> & {
  /** By their keys; a stream is there with its first part. */
  readonly streams: StreamResults<TStreams>;
};

type Parts = Readonly<Record<string, readonly unknown[]>>;
type Seen = { readonly runId: string; readonly parts: Parts; readonly error: Error | undefined };

/**
 * A run and the streams it writes, as they come:
 * `const { run, streams } = useRealtimeRunWithStreams<typeof myTask, { text: string }>(runId, { accessToken })`.
 * `onComplete` comes when all of it has ended.
 */
export function useRealtimeRunWithStreams<
  TTask extends AnyTask = AnyTask,
  TStreams extends object = Record<string, unknown>,
>(
  runId?: string,
  options: UseRealtimeRunOptions<TTask> = {},
): UseRealtimeRunWithStreamsInstance<TTask, TStreams> {
  const { onComplete, throttleInMs = DEFAULT_THROTTLE_MS, skipColumns = [] } = options;
  const [ended, setEnded] = useState<readonly [RealtimeRun<TTask>, Error | undefined]>();
  const followed = useRealtimeRun<TTask>(runId, {
    ...options,
    // Which streams it has, it says itself.
    skipColumns: skipColumns.filter((column) => column !== "realtimeStreams"),
    onComplete: (run, error) => setEnded([run, error]),
  });
  const api = useApi(options);
  const { run } = followed;
  const { seen, isOver, stop } = useStreams(api, run, throttleInMs);
  const latest = useRef(onComplete);
  const completed = useRef<string | undefined>(undefined);
  useEffect(() => {
    latest.current = onComplete;
  });
  useEffect(() => {
    if (!ended || !isOver || completed.current === ended[0].id) return;
    completed.current = ended[0].id;
    latest.current?.(...ended);
  }, [ended, isOver]);
  const stopRun = followed.stop;
  return {
    run,
    // What the parts are, is the caller's promise.
    streams: (seen?.parts ?? {}) as StreamResults<TStreams>,
    error: followed.error ?? seen?.error,
    stop: useCallback(() => {
      stop();
      stopRun();
    }, [stop, stopRun]),
  };
}

/** The streams of one run: those that it announces are followed as it does, and go on while others come. */
function useStreams(
  api: Api | undefined,
  run: Pick<RealtimeRun, "id" | "realtimeStreams"> | undefined,
  throttleMs: number,
): { readonly seen: Seen | undefined; readonly isOver: boolean; readonly stop: () => void } {
  const runId = run?.id;
  const keys = JSON.stringify(run?.realtimeStreams ?? []);
  const [seen, setSeen] = useState<Seen>();
  const [over, setOver] = useState<readonly string[]>([]);
  const following = useRef(new Map<string, () => void>());
  const isStopped = useRef(false);
  useEffect(() => {
    const all = following.current;
    isStopped.current = false;
    setSeen(runId === undefined ? undefined : { runId, parts: {}, error: undefined });
    setOver([]);
    return () => {
      for (const unfollow of all.values()) unfollow();
      all.clear();
    };
  }, [api, runId, throttleMs]);
  useEffect(() => {
    if (!api || runId === undefined || isStopped.current) return;
    const all = following.current;
    for (const key of JSON.parse(keys) as readonly string[]) {
      if (all.has(key)) continue;
      const onOver = (error?: Error): void => {
        setOver((before) => [...before, key]);
        if (error) setSeen((before) => before && { ...before, error });
      };
      const handlers = {
        onParts: (added: readonly { readonly chunk: unknown }[]) =>
          setSeen((before) => before && withParts(before, key, added)),
        onEnd: () => onOver(),
        onError: onOver,
      };
      all.set(key, followStream(api, { runId, key, throttleMs }, handlers));
    }
  }, [api, runId, throttleMs, keys]);
  const stop = useCallback(() => {
    isStopped.current = true;
    for (const unfollow of following.current.values()) unfollow();
    setOver([...following.current.keys()]);
  }, []);
  const isOver = (JSON.parse(keys) as readonly string[]).every((key) => over.includes(key));
  return { seen: seen?.runId === runId ? seen : undefined, isOver, stop };
}

function withParts(before: Seen, key: string, added: readonly { readonly chunk: unknown }[]): Seen {
  const parts = [...(before.parts[key] ?? []), ...added.map(({ chunk }) => chunk)];
  return { ...before, parts: { ...before.parts, [key]: parts } };
}
