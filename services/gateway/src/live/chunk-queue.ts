/** Chunks on their way to a client that may read more slowly than they come. */
import type { ReadChunk } from "@millrace/service-kit";

/** Characters. A client that is further behind is cut off, and goes on later behind what it has seen. */
const MAX_WAITING = 32 * 1024 * 1024;

type Parts = {
  readonly send: (chunk: ReadChunk) => void;
  /** Resolves when the client has read most of what it was sent. */
  readonly isWritable: () => Promise<void>;
  readonly onTooSlow: () => void;
};

export class ChunkQueue {
  readonly #parts: Parts;
  readonly #waiting: ReadChunk[] = [];
  #length = 0;
  #sending: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  add(chunk: ReadChunk): void {
    this.#waiting.push(chunk);
    this.#length += chunk.data.length;
    if (this.#length > MAX_WAITING) return this.#parts.onTooSlow();
    this.#sending ??= this.#drain();
  }

  /** Resolves when all that was added has been sent. */
  async drained(): Promise<void> {
    await this.#sending;
  }

  async #drain(): Promise<void> {
    for (;;) {
      await this.#parts.isWritable();
      const chunk = this.#waiting.shift();
      if (!chunk) break;
      this.#length -= chunk.data.length;
      this.#parts.send(chunk);
    }
    this.#sending = undefined;
  }
}
