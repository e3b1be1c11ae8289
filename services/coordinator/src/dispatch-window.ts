/**
 * How far dispatching runs ahead of the agents.
 *
 * What is in the broker's dispatch stream is taken first come, first served; what waits here goes by priority, and is
 * fair between concurrency keys. So only as many unclaimed runs are dispatched as the agents can take up soon, and the
 * rest wait in line.
 */
import type { Queued } from "@millrace/proto";
import { KeyedLine } from "./keyed-line.ts";
import { isBefore, WaitingLine } from "./waiting-line.ts";

/** Enough to keep agents busy over a round trip, also when none is known yet. */
const MINIMUM = 64;
const AHEAD = 4;

export class DispatchWindow {
  readonly #line = new WaitingLine();
  /** Made for the first run that has a key. */
  #keyed: KeyedLine | undefined;
  readonly #unclaimed = new Set<string>();
  readonly #capacity: () => number;
  readonly #dispatch: (run: Queued) => void;

  /** @param capacity how many runs the agents of this lane can hold */
  constructor(capacity: () => number, dispatch: (run: Queued) => void) {
    this.#capacity = capacity;
    this.#dispatch = dispatch;
  }

  /** Dispatched when it is its turn: `pump` says whether that is now. */
  join(run: Queued): void {
    if (run.trigger.concurrencyKey === undefined) this.#line.join(run);
    else (this.#keyed ??= new KeyedLine()).join(run);
  }

  offer(run: Queued): void {
    this.join(run);
    this.pump();
  }

  /** The run was claimed or withdrawn, and the next may take its place. Whether it had been dispatched. */
  settle(runId: string): boolean {
    const dispatched = this.remove(runId);
    if (dispatched) this.pump();
    return dispatched;
  }

  /** As `settle`, but its place stays free until `pump`. */
  remove(runId: string): boolean {
    if (!this.#line.leave(runId)) this.#keyed?.leave(runId);
    return this.#unclaimed.delete(runId);
  }

  /** Dispatches as many as there is room for; call it when the capacity has grown. */
  pump(): void {
    const room = Math.max(MINIMUM, AHEAD * this.#capacity());
    while (this.#unclaimed.size < room) {
      const run = this.#next();
      if (!run) return;
      this.#unclaimed.add(run.id);
      this.#dispatch(run);
    }
  }

  #next(): Queued | undefined {
    const keyed = this.#keyed?.peek();
    if (!keyed) return this.#line.next();
    const plain = this.#line.peek();
    return plain && isBefore(plain, keyed) ? this.#line.next() : this.#keyed?.next();
  }
}
