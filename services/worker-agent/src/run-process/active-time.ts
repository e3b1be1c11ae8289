/** How long a run's code has been active in this process, waits left out, on top of what it had been before. */
type Milliseconds = { readonly attempt: number; readonly total: number };

export class ActiveTime {
  #spent: Milliseconds;
  /** `performance.now()`; undefined during a wait. */
  #since: number | undefined = performance.now();

  constructor(before: Milliseconds) {
    this.#spent = before;
  }

  now(): Milliseconds {
    const ms = this.#since === undefined ? 0 : performance.now() - this.#since;
    return { attempt: this.#spent.attempt + ms, total: this.#spent.total + ms };
  }

  pause(): void {
    this.#spent = this.now();
    this.#since = undefined;
  }

  resume(): void {
    this.#since = performance.now();
  }
}
