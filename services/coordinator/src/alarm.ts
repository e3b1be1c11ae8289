/** One timer, set to a time of the clock. */

/** A timer takes no more than 2^31 ms; and a clock may be set. */
const AT_MOST_MS = 60_000;

export class Alarm {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | undefined;
  #at = 0;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** Rings at this time (epoch milliseconds), or before: whoever it wakes looks at the clock. The last setting counts. */
  set(at: number): void {
    if (this.#timer && at === this.#at) return;
    clearTimeout(this.#timer);
    this.#at = at;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#ring();
      },
      Math.min(AT_MOST_MS, Math.max(1, at - Date.now())),
    );
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
