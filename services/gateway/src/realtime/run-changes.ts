/**
 * What has changed lately, for polls: which runs since a place in the log, and a call when the next one does.
 *
 * 1. Whoever is answered up to a sequence and asks again from there is told every change behind it, at whichever gateway.
 * 2. It keeps the last `KEPT` changes, a few words each. Who asks from further back is answered from the rows.
 */
import type { LiveRun } from "@millrace/proto";
import { isSelected, keyOf, keysOf, selectableOf, type Selectable } from "../live/selector.ts";
import type { Selector } from "../live/selector.ts";
import type { Projection, RunChange } from "../projection/projection.ts";

type Change = Selectable & {
  readonly env: string;
  readonly runId: string;
  /** How far the log was read when it was told: not before the change itself. */
  readonly seq: number;
};

type Waiter = { readonly selector: Selector | undefined; readonly wake: () => void };

const KEPT = 8192;

export class RunChanges {
  readonly #projection: Projection;
  readonly #waiters = new Map<string, Set<Waiter>>();
  /** In the order they were told. */
  #changes: Change[] = [];
  /** Everything behind this sequence is in `#changes`. */
  #floor: number;
  readonly #forget: () => void;

  constructor(projection: Projection) {
    this.#projection = projection;
    this.#floor = projection.seq;
    this.#forget = projection.onRun((change) => this.#onRun(change));
  }

  stop(): void {
    this.#forget();
  }

  /** Ids of the selected runs that changed behind `seq`, each once; undefined when that is too long ago to know. */
  since(env: string, selector: Selector, seq: number): readonly string[] | undefined {
    if (seq < this.#floor) return undefined;
    const found = new Set<string>();
    for (let i = this.#indexBehind(seq); i < this.#changes.length; i++) {
      const change = this.#changes[i];
      if (change?.env === env && isSelected(change, selector)) found.add(change.runId);
    }
    return [...found];
  }

  /** Calls `wake` at every change of this run. */
  watchRun(env: string, runId: string, wake: () => void): () => void {
    return this.#watch(runKey(env, runId), { selector: undefined, wake });
  }

  /** Calls `wake` at every change of a selected run. */
  watchRuns(env: string, selector: Selector, wake: () => void): () => void {
    return this.#watch(keyOf(env, selector), { selector, wake });
  }

  #watch(key: string, waiter: Waiter): () => void {
    let waiters = this.#waiters.get(key);
    if (!waiters) this.#waiters.set(key, (waiters = new Set()));
    waiters.add(waiter);
    return () => {
      waiters.delete(waiter);
      if (waiters.size === 0 && this.#waiters.get(key) === waiters) this.#waiters.delete(key);
    };
  }

  #onRun({ env, run }: RunChange): void {
    const { seq } = this.#projection;
    const selectable = selectableOf(run);
    // Nobody selects a run without tags and batch.
    if (selectable.tags.length > 0 || selectable.batchId !== undefined) {
      this.#changes.push({ ...selectable, env, runId: run.id, seq });
      if (this.#changes.length >= 2 * KEPT) this.#drop();
    }
    if (this.#waiters.size > 0) this.#wake(env, run, selectable);
  }

  #wake(env: string, run: LiveRun, selectable: Selectable): void {
    for (const { wake } of this.#waiters.get(runKey(env, run.id)) ?? []) wake();
    for (const key of keysOf(env, selectable))
      for (const { selector, wake } of this.#waiters.get(key) ?? [])
        if (selector && isSelected(selectable, selector)) wake();
  }

  #drop(): void {
    const dropped = this.#changes.length - KEPT;
    this.#floor = this.#changes[dropped - 1]?.seq ?? this.#floor;
    this.#changes = this.#changes.slice(dropped);
  }

  /** The index of the first change behind `seq`. */
  #indexBehind(seq: number): number {
    let [low, high] = [0, this.#changes.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle]?.seq ?? 0) <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function runKey(env: string, runId: string): string {
  return `${env}\nrun ${runId}`;
}
