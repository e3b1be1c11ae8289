/** What the subscribing hooks have in common: runs, as they change, while the component is there. */
import { useCallback, useEffect, useRef, useState } from "react";
import { errorOf, type Api, type Query } from "./api.ts";
import { followRows } from "./follow-rows.ts";
import { realtimeRunOf, type RealtimeRun } from "./realtime-run.ts";
import type { AnyTask } from "./task-types.ts";
import { useApi, type HookOptions } from "./trigger-auth-context.ts";

/** Which runs: the same texts are the same subscription. */
export type Followed = { readonly path: string; readonly query: Query };

export type FollowedRuns<TTask extends AnyTask> = {
  /** In the order in which they were made. */
  readonly runs: readonly RealtimeRun<TTask>[];
  readonly error: Error | undefined;
  readonly stop: () => void;
};

/** Called after every change; true ends the subscription. The latest render's is called. */
export type OnRuns<TTask extends AnyTask> = (runs: readonly RealtimeRun<TTask>[]) => boolean;

type Seen<TTask extends AnyTask> = {
  /** Of which subscription it is: what another one saw is not shown. */
  readonly key: string;
  readonly runs: readonly RealtimeRun<TTask>[];
  readonly error: Error | undefined;
};

/** undefined, or an option `enabled: false`: nothing is followed. */
export function useFollowedRuns<TTask extends AnyTask>(
  followed: Followed | undefined,
  options: HookOptions,
  onRuns: OnRuns<TTask>,
): FollowedRuns<TTask> {
  const api = useApi(options);
  const key = followed === undefined ? "" : JSON.stringify(followed);
  const [seen, setSeen] = useState<Seen<TTask>>({ key, runs: [], error: undefined });
  const latest = useRef(onRuns);
  const controller = useRef<AbortController | undefined>(undefined);
  useEffect(() => {
    latest.current = onRuns;
  });
  useEffect(() => {
    if (!api || key === "") return undefined;
    const ending = new AbortController();
    controller.current = ending;
    const show = (runs: readonly RealtimeRun<TTask>[]): boolean => {
      setSeen({ key, runs, error: undefined });
      return latest.current(runs);
    };
    follow(api, JSON.parse(key) as Followed, ending.signal, show).catch((thrown: unknown) => {
      if (ending.signal.aborted) return;
      setSeen((before) => ({
        key,
        runs: before.key === key ? before.runs : [],
        error: errorOf(thrown),
      }));
    });
    return () => ending.abort();
  }, [api, key]);
  const stop = useCallback(() => controller.current?.abort(), []);
  return seen.key === key
    ? { runs: seen.runs, error: seen.error, stop }
    : { runs: [], error: undefined, stop };
}

async function follow<TTask extends AnyTask>(
  api: Api,
  { path, query }: Followed,
  signal: AbortSignal,
  show: OnRuns<TTask>,
): Promise<void> {
  for await (const rows of followRows(api, path, query, signal)) {
    const runs = await Promise.all(rows.map((row) => realtimeRunOf<TTask>(row, api, signal)));
    signal.throwIfAborted();
    runs.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
    if (show(runs)) return;
  }
}
