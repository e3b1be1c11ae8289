/**
 * Runs in line for a place, best first: by the time they count from, less their priority's head start, then by their
 * place in the log. Leaving is lazy: a run that left is skipped when its turn comes.
 */
import type { Queued } from "@millrace/proto";
import { Heap } from "@millrace/service-kit";

/** A run's place in line; `order` is computed once. */
export type Place = { readonly run: Queued; readonly order: number };

export function placeOf(run: Queued): Place {
  return { run, order: orderOf(run) };
}

export function isBefore(a: Place, b: Place): boolean {
  return a.order === b.order ? a.run.triggeredSeq < b.run.triggeredSeq : a.order < b.order;
}

export class WaitingLine {
  readonly #heap = new Heap<Place>(isBefore);
  /** Who is really in line, as it is now: an earlier admission, or an earlier state, has lost its place. */
  readonly #waiting = new Map<string, Queued>();

  get size(): number {
    return this.#waiting.size;
  }

  join(run: Queued): void {
    if (this.#waiting.get(run.id) === run) return;
    this.#waiting.set(run.id, run);
    this.#heap.push(placeOf(run));
  }

  /** In no order. */
  waiting(): Iterable<Queued> {
    return this.#waiting.values();
  }

  /** Whether it was in line. */
  leave(runId: string): boolean {
    return this.#waiting.delete(runId);
  }

  /** Who is next. */
  peek(): Place | undefined {
    for (;;) {
      const place = this.#heap.peek();
      if (!place) return undefined;
      if (this.#waiting.get(place.run.id) === place.run) return place;
      this.#heap.pop();
    }
  }

  /** Takes the best run out of the line. */
  next(): Queued | undefined {
    const place = this.peek();
    if (!place) return undefined;
    this.#heap.pop();
    this.#waiting.delete(place.run.id);
    return place.run;
  }
}

/** v4's order: the time it was queued (for a child, its parent's place in time) less the head start. */
function orderOf(run: Queued): number {
  const { orderAt, at, priorityMs } = run.trigger;
  return (orderAt ?? run.queuedAt ?? at) - priorityMs;
}
