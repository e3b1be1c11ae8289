/**
 * Runs with a concurrency key, in line beside those without one.
 *
 * Together they have the places in time their triggers gave them; which of them takes the next place goes round the keys
 * (`FairLine`). So a key with thousands of runs in line delays the others by one turn, and the runs without a key by
 * no more than time and priority say.
 */
import type { Queued } from "@millrace/proto";
import { FairLine } from "./fair-line.ts";
import { Heap } from "@millrace/service-kit";
import { isBefore, placeOf, type Place } from "./waiting-line.ts";

export class KeyedLine {
  readonly #line = new FairLine();
  readonly #places = new Heap<Place>(isBefore);
  /** Places whose runs have left: the first ones are given up for them. */
  #void = 0;

  join(run: Queued): void {
    const before = this.#line.size;
    this.#line.join(lineOf(run), run);
    if (this.#line.size > before) this.#places.push(placeOf(run));
  }

  leave(runId: string): void {
    if (this.#line.leave(runId)) this.#void++;
  }

  /** The place whoever is next would take. */
  peek(): Place | undefined {
    for (; this.#void > 0; this.#void--) this.#places.pop();
    return this.#places.peek();
  }

  next(): Queued | undefined {
    if (!this.peek()) return undefined;
    this.#places.pop();
    return this.#line.next();
  }
}

/** Keys of two queues are two keys. */
function lineOf(run: Queued): string {
  return `${run.trigger.queue}\n${run.trigger.concurrencyKey ?? ""}`;
}
