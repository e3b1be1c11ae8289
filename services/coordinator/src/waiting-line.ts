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
  /** Who is really in line, and for which admission. */
  readonly #admissions = new Map<string, number>();

  get size(): number {
    return this.#admissions.size;
  }

  join(run: Queued): void {
    if (this.#admissions.get(run.id) === run.admission) return;
    this.#admissions.set(run.id, run.admission);
    this.#heap.push({ run, order: orderOf(run) });
  }

  /** Whether it was in line. */
  leave(runId: string): boolean {
    return this.#admissions.delete(runId);
  }

  /** Takes the best run out of the line. */
  next(): Queued | undefined {
    for (;;) {
      const place = this.#heap.pop();
      if (!place) return undefined;
      const { id, admission } = place.run;
      if (this.#admissions.get(id) !== admission) continue;
      this.#admissions.delete(id);
      return place.run;
    }
  }
}

/** v4's order: the time it was queued (for a child, its parent's place in time) less the head start. */
function orderOf(run: Queued): number {
  const { orderAt, at, priorityMs } = run.trigger;
  return (orderAt ?? run.queuedAt ?? at) - priorityMs;
}
