/**
 * One batched direct get, to its end.
 *
 * The client library watches over the beginning of an answer alone, and keeps what it has subscribed to unless it calls
 * back: a connection that is cut in the middle of an answer would have its reader wait for ever.
 */
import type {
  CompletionResult,
  DirectBatchOptions,
  DirectLastFor,
  JetStreamManager,
  StoredMsg,
} from "@nats-io/jetstream";

/** As long as the library waits for the first message. */
const SILENCE_MS = 5000;

/**
 * All messages of the answer, in its order.
 * @throws what the broker answered, or that it fell silent for five seconds
 */
export async function directBatch(
  { direct }: JetStreamManager,
  stream: string,
  query: DirectBatchOptions | DirectLastFor,
): Promise<StoredMsg[]> {
  const messages: StoredMsg[] = [];
  let heardAt = performance.now();
  let watch: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      const callback = (done: CompletionResult | null, message: StoredMsg): void => {
        heardAt = performance.now();
        if (!done) messages.push(message);
        else if (done.err) reject(done.err);
        else resolve(messages);
      };
      const options = { ...query, callback };
      const asked =
        "multi_last" in options
          ? direct.getLastMessagesFor(stream, options)
          : direct.getBatch(stream, options);
      asked.then((answer) => {
        watch = setInterval(() => {
          if (performance.now() - heardAt < SILENCE_MS) return;
          answer.stop(new Error(`timeout: an answer about ${stream} came to no end`));
        }, SILENCE_MS / 2);
      }, reject);
    });
  } finally {
    clearInterval(watch);
  }
}
