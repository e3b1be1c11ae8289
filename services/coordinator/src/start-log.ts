/** Starts in the order of their times, of which old ones are dropped: a queue whose two ends are both cheap. */

export type Start = { readonly key: string; readonly at: number };

/** Dropped items are cut off when they are half of the array: moving the rest costs a constant for each. */
const CUT_FROM = 64;

export class StartLog {
  #items: Start[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  get last(): Start | undefined {
    return this.fromEnd(1);
  }

  /** The n-th from the end, from 1. */
  fromEnd(n: number): Start | undefined {
    return n > this.size ? undefined : this.#items[this.#items.length - n];
  }

  /** Nearly always at the end; one that comes late finds its place. */
  add(start: Start): void {
    let at = this.#items.length;
    while (at > this.#head && (this.#items[at - 1] as Start).at > start.at) at--;
    if (at === this.#items.length) this.#items.push(start);
    else this.#items.splice(at, 0, start);
  }

  remove(start: Start): void {
    const at = this.#items.lastIndexOf(start);
    if (at >= this.#head) this.#items.splice(at, 1);
  }

  /** Drops the first one when it is not later than `until`. */
  dropFirst(until: number): Start | undefined {
    const first = this.#items[this.#head];
    if (!first || first.at > until) return undefined;
    this.#head++;
    if (this.#head >= CUT_FROM && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return first;
  }

  toArray(): Start[] {
    return this.#items.slice(this.#head);
  }
}
