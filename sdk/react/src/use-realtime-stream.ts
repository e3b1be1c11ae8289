import { useCallback, useEffect, useRef, useState } from "react";
import { followStream, type StreamPart, type StreamWanted } from "./live/follow-stream.ts";
import { useApi, type HookOptions } from "./trigger-auth-context.ts";
import { DEFAULT_THROTTLE_MS } from "./use-followed-runs.ts";

/** What the parts of `streams.define<TPart>({ id })` are: of `typeof myStream`. Only its shape counts. */
export type StreamPartOf<TStream> = TStream extends {
  read(...args: never): Promise<AsyncIterable<infer TPart>>;
}
  ? TPart
  : never;

export type UseRealtimeStreamOptions<TPart = unknown> = HookOptions & {
  /** Names the subscription: under another id it begins anew. Default: what is followed. */
  readonly id?: string | undefined;
  /** How long parts are gathered before they are shown, in milliseconds. Default 16. */
  readonly throttleInMs?: number | undefined;
  /** The stream is taken to have ended when nothing came for so long. Default: only its end is. */
  readonly timeoutInSeconds?: number | undefined;
  /** The first part's index. Default 0. */
  readonly startIndex?: number | undefined;
  /** `lastEventId` of an earlier visit: it goes on behind it. Before `startIndex` and `from`. */
  readonly lastEventId?: string | number | undefined;
  /** `latest`: only what comes from now on. `startIndex` is before it. Default `beginning`. */
  readonly from?: "beginning" | "latest" | undefined;
  /** How many of the newest parts are kept. Default: all. */
  readonly maxParts?: number | undefined;
  /** Called with every part, in its order. */
  readonly onData?: ((part: TPart) => void) | undefined;
  /** Called with the parts that are shown together. */
  readonly onParts?: ((parts: readonly StreamPart<TPart>[]) => void) | undefined;
};

export type UseRealtimeStreamInstance<TPart> = {
  readonly parts: readonly TPart[];
  /** Where to go on behind the last part: for the option of the same name. */
  readonly lastEventId: string | undefined;
  /** What ended the subscription; a connection that is lost does not. */
  readonly error: Error | undefined;
  /** Ends the subscription; the parts stay. */
  readonly stop: () => void;
};

type Seen<TPart> = {
  /** Of which subscription it is: what another one saw is not shown. */
  readonly key: string;
  readonly parts: readonly TPart[];
  readonly lastEventId: string | undefined;
  readonly error: Error | undefined;
};

const DEFAULT_KEY = "default";

/** A stream of a run, as it is written: by its definition, by its key, or the one with the key `default`. */
export function useRealtimeStream<TStream extends { readonly id: string }>(
  stream: TStream,
  runId: string,
  options?: UseRealtimeStreamOptions<StreamPartOf<TStream>>,
): UseRealtimeStreamInstance<StreamPartOf<TStream>>;
export function useRealtimeStream<TPart>(
  runId: string,
  streamKey: string,
  options?: UseRealtimeStreamOptions<TPart>,
): UseRealtimeStreamInstance<TPart>;
export function useRealtimeStream<TPart>(
  runId: string,
  options?: UseRealtimeStreamOptions<TPart>,
): UseRealtimeStreamInstance<TPart>;
export function useRealtimeStream<TPart>(
  first: string | { readonly id: string },
  second?: string | UseRealtimeStreamOptions<TPart>,
  third?: UseRealtimeStreamOptions<TPart>,
): UseRealtimeStreamInstance<TPart> {
  if (typeof first !== "string") return useStream<TPart>(second as string, first.id, third);
  return typeof second === "string"
    ? useStream<TPart>(first, second, third)
    : useStream<TPart>(first, DEFAULT_KEY, second);
}

function useStream<TPart>(
  runId: string,
  streamKey: string,
  options: UseRealtimeStreamOptions<TPart> = {},
): UseRealtimeStreamInstance<TPart> {
  const api = useApi(options);
  const key = runId === "" ? "" : keyOf(runId, streamKey, options);
  const [seen, setSeen] = useState<Seen<TPart>>(() => nothing(key));
  const latest = useRef(options);
  const ending = useRef<(() => void) | undefined>(undefined);
  useEffect(() => {
    latest.current = options;
  });
  useEffect(() => {
    if (!api || key === "") return undefined;
    const [, wanted] = JSON.parse(key) as readonly [string, StreamWanted];
    setSeen(nothing(key));
    const unfollow = followStream<TPart>(api, wanted, {
      onParts: (parts) => {
        const { maxParts, onData, onParts } = latest.current;
        setSeen((before) => after(before, parts, maxParts));
        onParts?.(parts);
        for (const { chunk } of parts) onData?.(chunk);
      },
      onEnd: () => undefined,
      onError: (error) => setSeen((before) => ({ ...before, error })),
    });
    ending.current = unfollow;
    return unfollow;
  }, [api, key]);
  const stop = useCallback(() => ending.current?.(), []);
  const { parts, lastEventId, error } = seen.key === key ? seen : nothing<TPart>(key);
  return { parts, lastEventId, error, stop };
}

function nothing<TPart>(key: string): Seen<TPart> {
  return { key, parts: [], lastEventId: undefined, error: undefined };
}

function after<TPart>(
  before: Seen<TPart>,
  parts: readonly StreamPart<TPart>[],
  maxParts = Number.POSITIVE_INFINITY,
): Seen<TPart> {
  const all = [...before.parts, ...parts.map(({ chunk }) => chunk)];
  return {
    ...before,
    parts: all.slice(Math.max(0, all.length - maxParts)),
    lastEventId: parts.at(-1)?.id ?? before.lastEventId,
  };
}

/**
 * The same text is the same subscription.
 * @throws Error when `lastEventId` is none
 */
function keyOf(runId: string, key: string, options: UseRealtimeStreamOptions<never>): string {
  const { id = "", throttleInMs: throttleMs = DEFAULT_THROTTLE_MS, timeoutInSeconds } = options;
  const wanted: StreamWanted = {
    runId,
    key,
    throttleMs,
    quietMs: timeoutInSeconds === undefined ? undefined : timeoutInSeconds * 1000,
    ...startOf(options),
  };
  return JSON.stringify([id, wanted]);
}

function startOf({
  lastEventId,
  startIndex,
  from,
}: UseRealtimeStreamOptions<never>): Partial<StreamWanted> {
  if (lastEventId !== undefined) {
    const [, index, seq] = /^(\d{1,9})$|^\d{1,16}-(\d{1,15})$/.exec(String(lastEventId)) ?? [];
    if (index !== undefined) return { startIndex: Number(index) + 1 };
    if (seq !== undefined) return { afterSeq: Number(seq) };
    throw new Error(`lastEventId: "${lastEventId}" is no id of a stream's part`);
  }
  if (startIndex !== undefined) return { startIndex };
  return from === "latest" ? { from } : {};
}
