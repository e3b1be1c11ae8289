/** Reading a run's realtime stream. */
import type { Subscription } from "../host.ts";
import { platform } from "../platform.ts";

export type ReadOptions = {
  /** The stream is taken to have ended when nothing came for so long: 1 to 600. Default 60. */
  readonly timeoutInSeconds?: number;
  /** The first chunk's index, from 0. Default 0. */
  readonly startIndex?: number;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
};

/** @throws ApiError when the run is unknown */
export async function readStream<T>(
  runId: string,
  key: string,
  { timeoutInSeconds = 60, startIndex = 0, signal }: ReadOptions = {},
): Promise<ReadableStream<T> & AsyncIterable<T>> {
  if (!(timeoutInSeconds >= 1 && timeoutInSeconds <= 600))
    throw new Error(`timeoutInSeconds is 1 to 600, not ${timeoutInSeconds}`);
  if (!(Number.isInteger(startIndex) && startIndex >= 0))
    throw new Error(`startIndex is a whole number from 0, not ${startIndex}`);
  const here = await platform();
  let subscription: Subscription | undefined;
  let isOver = false;
  let quiet: NodeJS.Timeout | undefined;
  let controller: ReadableStreamDefaultController<T> | undefined;
  const end = (error?: Error): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(quiet);
    signal?.removeEventListener("abort", onAbort);
    subscription?.stop();
    if (error) controller?.error(error);
    else controller?.close();
  };
  const onAbort = (): void => end();
  const stream = new ReadableStream<T>({
    start: (its) => {
      controller = its;
    },
    cancel: () => {
      controller = undefined;
      end();
    },
  });
  quiet = setTimeout(end, timeoutInSeconds * 1000);
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) end();
  subscription = await here
    .readStream(runId, key, startIndex, {
      onChunk: ({ data }) => {
        if (isOver) return;
        quiet?.refresh();
        controller?.enqueue(JSON.parse(data) as T);
      },
      onEnd: () => end(),
      onError: end,
    })
    .catch((error: unknown) => {
      end(error as Error);
      throw error;
    });
  if (isOver) subscription.stop();
  return stream;
}
