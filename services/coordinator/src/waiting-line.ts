/**
 * Runs in line for a place, best first: by the time they count from, less their priority's head start, then by their
 * place in the log. Leaving is lazy: a run that left is skipped when its turn comes.
 */
import type { Queued } from "@millrace/proto";
import { Heap } from "./heap.ts";

type Place = { readonly run: Queued; readonly order: number };

export class WaitingLine {
  readonly #heap = new Heap<Place>((a, b) =>
    a.order === b.order ? a.run.triggeredSeq < b.run.triggeredSeq : a.order < b.order,
  );
  /** Who is really in line, as it is now: an earlier admission, or an earlier state, has lost its place. */
  readonly #waiting = new Map<string, Queued>();

  get size(): number {
    return this.#waiting.size;
  }

  join(run: Queued): void {
    if (this.#waiting.get(run.id) === run) return;
    this.#waiting.set(run.id, run);
    this.#heap.push({ run, order: orderOf(run) });
  }

  /** Whether it was in line. */
  leave(runId: string): boolean {
    return this.#waiting.delete(runId);
  }

  /** Takes the best run out of the line. */
  next(): Queued | undefined {
    for (;;) {
      const place = this.#heap.pop();
      if (!place) return undefined;
      const { run } = place;
      if (this.#waiting.get(run.id) !== run) continue;
      this.#waiting.delete(run.id);
      return run;
    }
  }
}

/** v4's order: the time it was queued (for a child, its parent's place in time) less the head start. */
function orderOf(run: Queued): number {
  const { orderAt, at, priorityMs } = run.trigger;
  return (orderAt ?? run.queuedAt ?? at) - priorityMs;
}
