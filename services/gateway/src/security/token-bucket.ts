/** How much one credential may ask for: so much at once, and so much more in every period. */

/** `refill` are added every `periodMs`, up to `size`. */
export type Rate = { readonly size: number; readonly refill: number; readonly periodMs: number };

export type Taken = {
  readonly isAllowed: boolean;
  readonly remaining: number;
  /** When there is more again, or as much as was asked for, in epoch milliseconds. */
  readonly resetAt: number;
};

type State = { left: number; refilledAt: number };

/** From this many on, those that are full again are forgotten: they are as if they had never been used. */
const MANY = 10_000;

export class TokenBuckets {
  readonly rate: Rate;
  readonly #states = new Map<string, State>();
  #sweepAt = MANY;

  constructor(rate: Rate) {
    this.rate = rate;
  }

  /**
   * Takes so many, or none where there are fewer.
   * @param who the bucket's owner; it is made full when it is first used
   */
  take(who: string, nowMs: number, count = 1): Taken {
    const { size, refill, periodMs } = this.rate;
    const state = this.#states.get(who) ?? { left: size, refilledAt: nowMs };
    this.#refill(state, nowMs);
    const isAllowed = state.left >= count;
    const periods = isAllowed ? 1 : Math.ceil((count - state.left) / refill);
    if (isAllowed) state.left -= count;
    this.#states.set(who, state);
    if (this.#states.size >= this.#sweepAt) this.#sweep(nowMs);
    return { isAllowed, remaining: state.left, resetAt: state.refilledAt + periods * periodMs };
  }

  #refill(state: State, nowMs: number): void {
    const { size, refill, periodMs } = this.rate;
    const periods = Math.floor((nowMs - state.refilledAt) / periodMs);
    if (periods <= 0) return;
    state.left = Math.min(size, state.left + periods * refill);
    state.refilledAt += periods * periodMs;
  }

  #sweep(nowMs: number): void {
    for (const [who, state] of this.#states) {
      this.#refill(state, nowMs);
      if (state.left >= this.rate.size) this.#states.delete(who);
    }
    // All in use: looked through again when there are twice as many.
    this.#sweepAt = Math.max(MANY, 2 * this.#states.size);
  }
}
