/**
 * How far dispatching runs ahead of the agents.
 *
 * What is in the broker's dispatch stream is taken first come, first served; what waits here goes by priority. So only
 * as many unclaimed runs are dispatched as the agents can take up soon, and the rest wait in line.
 */
import type { Queued } from "@millrace/proto";
import { WaitingLine } from "./waiting-line.ts";

/** Enough to keep agents busy over a round trip, also when none is known yet. */
const MINIMUM = 64;
const AHEAD = 4;

export class DispatchWindow {
  readonly #line = new WaitingLine();
  readonly #unclaimed = new Set<string>();
  readonly #capacity: () => number;
  readonly #dispatch: (run: Queued) => void;

  /** @param capacity how many runs the agents of this lane can hold */
  constructor(capacity: () => number, dispatch: (run: Queued) => void) {
    this.#capacity = capacity;
    this.#dispatch = dispatch;
  }

  offer(run: Queued): void {
    this.#line.join(run);
    this.pump();
  }

  /** The run was claimed or withdrawn. Whether it had been dispatched. */
  settle(runId: string): boolean {
    this.#line.leave(runId);
    const dispatched = this.#unclaimed.delete(runId);
    if (dispatched) this.pump();
    return dispatched;
  }

  /** Dispatches as many as there is room for; call it when the capacity has grown. */
  pump(): void {
    const room = Math.max(MINIMUM, AHEAD * this.#capacity());
    while (this.#unclaimed.size < room) {
      const run = this.#line.next();
      if (!run) return;
      this.#unclaimed.add(run.id);
      this.#dispatch(run);
    }
  }
}
