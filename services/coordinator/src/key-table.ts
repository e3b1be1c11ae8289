/**
 * What is known of each concurrency key that is in use. A key that is used no more is forgotten, but not at once: many
 * are used again in the next moment, and a map from which one key is removed and added again and again is slow, the
 * slower the more others it has.
 *
 * So idle keys are swept out together. There are never more of them than keys in use, or than a few.
 */
const FEW = 64;

export class KeyTable<T> {
  readonly #entries = new Map<string, T>();
  readonly #make: (key: string) => T;
  readonly #isIdle: (entry: T) => boolean;
  /** Keys that were idle at some time since the last sweep. */
  #maybeIdle: string[] = [];

  constructor(make: (key: string) => T, isIdle: (entry: T) => boolean) {
    this.#make = make;
    this.#isIdle = isIdle;
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#entries.size;
  }

  get(key: string): T | undefined {
    return this.#entries.get(key);
  }

  /** What is known of the key; makes it when nothing is. */
  of(key: string): T {
    let entry = this.#entries.get(key);
    if (entry === undefined) this.#entries.set(key, (entry = this.#make(key)));
    return entry;
  }

  values(): IterableIterator<T> {
    return this.#entries.values();
  }

  /** The key has become idle. */
  idle(key: string): void {
    this.#maybeIdle.push(key);
    if (this.#maybeIdle.length <= Math.max(FEW, this.#entries.size / 2)) return;
    for (const each of this.#maybeIdle) {
      const entry = this.#entries.get(each);
      if (entry !== undefined && this.#isIdle(entry)) this.#entries.delete(each);
    }
    this.#maybeIdle = [];
  }
}
