/**
 * Writes a stream's chunks, several at once.
 *
 * 1. Chunks arrive in the order they were written, each once: one request at a time, and the next when it is answered.
 * 2. A chunk waits for at most `FLUSH_MS` before it is sent, and longer only for the request before it.
 * 3. After a failure nothing more is sent: `done` rejects with it, and so does `ready`.
 */
import { LIMITS, refuse } from "@millrace/proto";
import { refusalError } from "../errors.ts";
import { callPlatform } from "../platform.ts";

const FLUSH_MS = 20;
/** How much one request carries, and how much waits before the writer is asked to wait. */
const REQUEST_LENGTH = 512 * 1024;
const WAITING_LENGTH = 1024 * 1024;

export class StreamWriter {
  /** Everything was stored, and the stream's end. */
  readonly done: Promise<void>;
  readonly #runId: string;
  readonly #key: string;
  #waiting: string[] = [];
  #waitingLength = 0;
  #isEnded = false;
  #sending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failure: { readonly error: unknown } | undefined;
  #finish: () => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor(runId: string, key: string) {
    this.#runId = runId;
    this.#key = key;
    this.done = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#reject = reject;
    });
    // Whoever waits for it hears of it; whoever does not wants no crash.
    this.done.catch(() => undefined);
  }

  /** @throws ApiError when the value is too long, and the stream goes on without it; what `done` rejects with */
  write(value: unknown): void {
    if (this.#failure) throw this.#failure.error;
    if (this.#isEnded) throw new Error(`The stream "${this.#key}" has ended`);
    const text = chunkText(value);
    this.#waiting.push(text);
    this.#waitingLength += text.length;
    if (this.#waitingLength >= REQUEST_LENGTH) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
  }

  /** Resolves when there is room for more. Rejects when nothing can be written any more. */
  async ready(): Promise<void> {
    while (this.#waitingLength > WAITING_LENGTH && this.#sending) await this.#sending;
    if (this.#failure) throw this.#failure.error;
  }

  /** Sends what is left, and that it was all. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#flush();
  }

  /** Ends the stream for its readers; `done` rejects. */
  abort(error: unknown): void {
    this.#reject(error);
    this.end();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#send();
  }

  async #send(): Promise<void> {
    try {
      await Promise.resolve();
      for (;;) {
        const chunks = this.#take();
        const end = this.#isEnded && this.#waiting.length === 0;
        if (chunks.length === 0 && !end) return;
        await callPlatform("streams.append", {
          runId: this.#runId,
          key: this.#key,
          chunks,
          ...(end ? { end } : {}),
        });
        if (end) return this.#finish();
      }
    } catch (error) {
      this.#failure = { error };
      this.#isEnded = true;
      this.#waiting = [];
      this.#waitingLength = 0;
      this.#reject(error);
    } finally {
      this.#sending = undefined;
    }
  }

  #take(): string[] {
    let length = 0;
    let count = 0;
    for (const chunk of this.#waiting) {
      if (count > 0 && length + chunk.length > REQUEST_LENGTH) break;
      length += chunk.length;
      count++;
    }
    this.#waitingLength -= length;
    return this.#waiting.splice(0, count);
  }
}

/** A value as its chunk. @throws ApiError (413) */
export function chunkText(value: unknown): string {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined)
    throw new TypeError(`A ${typeof value} cannot be a stream's chunk: it has no JSON form`);
  const limit = LIMITS.streamChunkBytes;
  if (text.length <= limit / 4 || Buffer.byteLength(text) <= limit) return text;
  throw refusalError(
    refuse("PAYLOAD_TOO_LARGE", `A stream's chunk has at most ${limit / 1024} KB`),
  );
}
