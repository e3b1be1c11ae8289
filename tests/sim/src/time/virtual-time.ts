/**
 * Virtual time: a line of events, each of which belongs to one simulated process, done one after the other.
 *
 * Owns: the order of events, what time it is, and whose turn it is. Does not own: the globals that show it to the code
 * under simulation (`globals.ts`).
 *
 * 1. Events are done in the order of their times; of those at the same time the one that was planned first comes first.
 * 2. Before the next event everything the last one has set going in promises is through: `process._tickCallback` runs
 *    Node's queues of ticks and microtasks until both are empty, from a macrotask, without going back to the event loop.
 *    So nothing outside of the simulation runs in between, and the machine's speed changes nothing.
 * 3. Events of a process that has ended are not done; those of one that is held up are done when it goes on, in order.
 */
import { Heap } from "@millrace/service-kit";

/** Where simulated time begins: 2026-01-01T00:00:00Z. */
export const EPOCH_MS = 1_767_225_600_000;

/** Whose event it is. */
export type Owner = {
  readonly name: string;
  /** What its clock shows ahead of the true time, in ms. */
  readonly skewMs: number;
  isDead: boolean;
  /** Held up until then: the simulated time it goes on at. */
  pausedUntil: number;
  /** Held up for so long after its next event: what that one leaves for the end of its turn is done afterwards. */
  pauseAfterMs?: number;
};

export type Planned = {
  at: number;
  /** What it was planned for, before its process was held up. */
  readonly due: number;
  readonly order: number;
  readonly owner: Owner;
  readonly run: () => void;
  isCanceled: boolean;
};

type WithTicks = { readonly _tickCallback: () => void };

export class VirtualTime {
  /** Milliseconds since the simulation began. */
  now = 0;
  /** Events done so far. */
  steps = 0;
  /** The process whose event is being done. */
  current: Owner;
  readonly #events = new Heap<Planned>(isBefore);
  #order = 0;

  constructor(root: Owner) {
    this.current = root;
  }

  /** Plans an event; `afterMs` from now, not before what is planned for the same time. */
  plan(owner: Owner, afterMs: number, run: () => void): Planned {
    const due = this.now + Math.max(0, afterMs);
    const planned: Planned = {
      at: due,
      due,
      order: this.#order++,
      owner,
      run,
      isCanceled: false,
    };
    this.#events.push(planned);
    return planned;
  }

  /** Does the next event; false when there is none before `until`. */
  step(until: number): boolean {
    for (;;) {
      const next = this.#events.peek();
      if (!next || next.at > until) {
        this.now = Math.max(this.now, until);
        return false;
      }
      this.#events.pop();
      const { owner } = next;
      if (next.isCanceled || owner.isDead) continue;
      if (owner.pausedUntil > next.at) {
        next.at = owner.pausedUntil;
        this.#events.push(next);
        continue;
      }
      this.now = next.at;
      this.steps++;
      this.current = owner;
      next.run();
      drainTicks();
      if (owner.pauseAfterMs !== undefined) {
        owner.pausedUntil = Math.max(owner.pausedUntil, this.now + owner.pauseAfterMs);
        delete owner.pauseAfterMs;
      }
      return true;
    }
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  if (a.at !== b.at) return a.at < b.at;
  return a.due === b.due ? a.order < b.order : a.due < b.due;
}

export function drainTicks(): void {
  (process as unknown as WithTicks)._tickCallback();
}
