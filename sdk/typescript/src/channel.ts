/** Values from whoever has them to whoever asks: what lies between callbacks and an async iterator. */

type Step<T> = IteratorResult<T, undefined>;

type Reader<T> = {
  readonly resolve: (step: Step<T>) => void;
  readonly reject: (error: unknown) => void;
};

export class Channel<T extends object> {
  #values: T[] = [];
  #readers: Reader<T>[] = [];
  #isClosed = false;
  #error: unknown;

  /** Nothing is taken in after `close`. */
  push(value: T): void {
    if (this.#isClosed) return;
    const reader = this.#readers.shift();
    if (reader) reader.resolve({ done: false, value });
    else this.#values.push(value);
  }

  /** What was pushed before is still given out, then the error once, then nothing. */
  close(error?: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#error = error;
    const readers = this.#readers;
    this.#readers = [];
    for (const reader of readers) this.#end(reader);
  }

  /** Drops what nobody has taken, too. */
  abandon(): void {
    this.#values = [];
    this.#error = undefined;
    this.close();
  }

  next(): Promise<Step<T>> {
    return new Promise((resolve, reject) => {
      const reader = { resolve, reject };
      const value = this.#values.shift();
      if (value !== undefined) resolve({ done: false, value });
      else if (this.#isClosed) this.#end(reader);
      else this.#readers.push(reader);
    });
  }

  #end({ resolve, reject }: Reader<T>): void {
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) reject(error);
    else resolve({ done: true, value: undefined });
  }
}
