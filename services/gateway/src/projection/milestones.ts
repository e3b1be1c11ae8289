/** Those who wait for the projection to have come somewhere. */

type Waiter = { readonly at: number | "caught-up"; readonly settle: (isThere: boolean) => void };

export class Milestones {
  readonly #waiters = new Set<Waiter>();

  /** Whether it came there within `timeoutMs`. */
  wait(at: number | "caught-up", timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const waiter: Waiter = {
        at,
        settle: (isThere) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          resolve(isThere);
        },
      };
      const timer = setTimeout(() => waiter.settle(false), timeoutMs);
      this.#waiters.add(waiter);
    });
  }

  caughtUp(): void {
    for (const waiter of this.#waiters) if (waiter.at === "caught-up") waiter.settle(true);
  }

  passed(seq: number): void {
    if (this.#waiters.size === 0) return;
    for (const waiter of this.#waiters)
      if (waiter.at !== "caught-up" && waiter.at <= seq) waiter.settle(true);
  }

  giveUp(): void {
    for (const waiter of this.#waiters) waiter.settle(false);
  }
}
