/**
 * A stream of a run: the parts there are, those that come, then its end.
 *
 * 1. Parts come in their order, each once, also over a connection that was lost; those of a moment together.
 * 2. The end comes after the last part: the writer's, or after nothing came for as long as was wanted.
 */
import type { LiveSubscribe } from "@millrace/proto";
import type { Api } from "../api.ts";

export type StreamWanted = {
  readonly runId: string;
  readonly key: string;
  /** The first part's index. */
  readonly startIndex?: number | undefined;
  /** Only parts behind this one; before `from`. */
  readonly afterSeq?: number | undefined;
  readonly from?: "latest" | undefined;
  /** How long parts are gathered. */
  readonly throttleMs: number;
  /** Default: as long as the run may write to it. */
  readonly quietMs?: number | undefined;
};

/** `id` is where to go on behind it; `timestamp` epoch milliseconds, by the writer's clock. */
export type StreamPart<TPart> = {
  readonly id: string;
  readonly chunk: TPart;
  readonly timestamp: number;
};

export type StreamHandlers<TPart> = {
  readonly onParts: (parts: readonly StreamPart<TPart>[]) => void;
  readonly onEnd: () => void;
  readonly onError: (error: Error) => void;
};

/** Until what it returns is called, or its end or error. */
export function followStream<TPart>(
  api: Api,
  { runId, key, startIndex, afterSeq: first, from, throttleMs, quietMs }: StreamWanted,
  handlers: StreamHandlers<TPart>,
): () => void {
  let afterSeq = first;
  let gathered: StreamPart<TPart>[] = [];
  let gathering: ReturnType<typeof setTimeout> | undefined;
  let quiet: ReturnType<typeof setTimeout> | undefined;
  const flush = (): void => {
    clearTimeout(gathering);
    gathering = undefined;
    const parts = gathered;
    gathered = [];
    if (parts.length > 0) handlers.onParts(parts);
  };
  const stop = (): void => {
    unfollow();
    clearTimeout(gathering);
    clearTimeout(quiet);
  };
  const end = (): void => {
    stop();
    flush();
    handlers.onEnd();
  };
  const listen = (): void => {
    clearTimeout(quiet);
    if (quietMs !== undefined) quiet = setTimeout(end, quietMs);
  };
  const request = (id: string): LiveSubscribe => ({
    type: "subscribe-stream",
    id,
    runId,
    key,
    ...(startIndex === undefined ? {} : { startIndex }),
    ...(afterSeq === undefined ? {} : { afterSeq }),
    ...(from === undefined || afterSeq !== undefined ? {} : { from }),
  });
  const unfollow = api.follow({
    request,
    onMessage: (message) => {
      if (message.type === "caught-up") afterSeq = message.seq;
      if (message.type !== "chunk" || message.seq <= (afterSeq ?? 0)) return;
      const { seq, at, data } = message;
      afterSeq = seq;
      // What its parts are, is the caller's promise.
      gathered.push({ id: `${at}-${seq}`, chunk: data as TPart, timestamp: at });
      gathering ??= setTimeout(flush, throttleMs);
      listen();
    },
    onEnd: end,
    onError: (error) => {
      stop();
      flush();
      handlers.onError(error);
    },
  });
  listen();
  return stop;
}
