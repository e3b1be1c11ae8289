/**
 * Who may pull when room is scarce, so that small runs do not keep a big one waiting for ever. Pure: time is an
 * argument.
 *
 * A lane whose run had to be handed back is hungry. After `PATIENCE_MS` of hunger all smaller lanes stop pulling, until
 * it got its run, or its pull (made once there was room) has brought nothing for `PULL_MS`: then another agent has it.
 * A lane that never has room never pulls and so would never learn that a run is waiting: after `PATIENCE_MS` it may
 * pull one regardless.
 */
import type { Lane, Units } from "./places.ts";

const PATIENCE_MS = 5000;
const PULL_MS = 1000;

type Hungry = { readonly since: number; pulledAt: number | undefined };

export class Hunger {
  readonly #hungry = new Map<Lane, Hungry>();
  /** Since when a lane has had no room at all. */
  readonly #crowdedOut = new Map<Lane, number>();

  /** A run of the lane arrived and did not fit. */
  handedBack(lane: Lane, now: number): void {
    if (this.#hungry.has(lane)) return;
    this.#hungry.set(lane, { since: this.#crowdedOut.get(lane) ?? now, pulledAt: undefined });
  }

  /** A run of the lane arrived and fits. */
  fed(lane: Lane): void {
    if (this.#hungry.size > 0) this.#hungry.delete(lane);
    if (this.#crowdedOut.size > 0) this.#crowdedOut.delete(lane);
  }

  /** Told before each pull how much room the lane has: whether it may pull one although it has none. */
  mayProbe(lane: Lane, fit: number, now: number): boolean {
    if (fit > 0) {
      this.#crowdedOut.delete(lane);
      const hungry = this.#hungry.get(lane);
      if (hungry) hungry.pulledAt ??= now;
      return false;
    }
    const hungry = this.#hungry.get(lane);
    if (hungry) {
      hungry.pulledAt = undefined;
      return false;
    }
    const since = this.#crowdedOut.get(lane);
    if (since === undefined) this.#crowdedOut.set(lane, now);
    return since !== undefined && now - since >= PATIENCE_MS;
  }

  /** The lane the others make room for, if there is one. */
  favoured(now: number): Lane | undefined {
    let favoured: Lane | undefined;
    let longest = PATIENCE_MS;
    for (const [lane, { since, pulledAt }] of this.#hungry) {
      if (pulledAt !== undefined && now - pulledAt >= PULL_MS) {
        this.#hungry.delete(lane);
      } else if (now - since >= longest) {
        longest = now - since;
        favoured = lane;
      }
    }
    return favoured;
  }

  /** Whether time alone may change an answer. */
  get isTicking(): boolean {
    return this.#hungry.size > 0 || this.#crowdedOut.size > 0;
  }
}

/** Whether runs of `a` are smaller than those of `b`: by CPUs, then by memory. */
export function isSmaller(a: Units, b: Units): boolean {
  return a.milliCpus === b.milliCpus ? a.mb < b.mb : a.milliCpus < b.milliCpus;
}
