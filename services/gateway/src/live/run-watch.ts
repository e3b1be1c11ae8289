/**
 * Who wants to hear of which runs: every change the projection folds, brought to those whose tags or batch it has.
 *
 * One listener and one look-up a change, however many watch. Changes of one turn of the event loop come as one. A run
 * whose payload the projection did not keep has its log read; one such read a run is under way at a time, so what is
 * shown of a run never goes back.
 */
import type { LiveRun } from "@millrace/proto";
import type { Logger, RunLogReader } from "@millrace/service-kit";
import type { Projection, RunChange } from "../projection/projection.ts";
import { isSelected, keyOf, keysOf, selectableOf, type Selector } from "./selector.ts";
import { Shown } from "./shown.ts";

type Watcher = { readonly selector: Selector; readonly show: (shown: Shown) => void };
type Change = { readonly env: string; run: LiveRun; isWhole: boolean };

const READ_AGAIN_MS = 50;
const READS = 5;

export class RunWatch {
  readonly #reader: RunLogReader;
  readonly #log: Logger;
  /** By environment and batch, or by environment and first tag. */
  readonly #watchers = new Map<string, Set<Watcher>>();
  /** What changed in this turn. */
  #changed = new Map<string, Change>();
  /** Runs whose log is being read; true: again after that. */
  readonly #reading = new Map<string, boolean>();
  readonly #forget: () => void;

  constructor(projection: Projection, reader: RunLogReader, log: Logger) {
    this.#reader = reader;
    this.#log = log;
    this.#forget = projection.onRun((change) => this.#onRun(change));
  }

  watch(env: string, selector: Selector, show: (shown: Shown) => void): () => void {
    const key = keyOf(env, selector);
    const watcher = { selector, show };
    let watchers = this.#watchers.get(key);
    if (!watchers) this.#watchers.set(key, (watchers = new Set()));
    watchers.add(watcher);
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#watchers.get(key) === watchers) this.#watchers.delete(key);
    };
  }

  /** Whether every change that was folded has been shown. */
  get isSettled(): boolean {
    return this.#changed.size === 0 && this.#reading.size === 0;
  }

  stop(): void {
    this.#forget();
  }

  #onRun({ env, run, isWhole }: RunChange): void {
    if (this.#watchers.size === 0 || !this.#isWatched(env, run)) return;
    if (this.#changed.size === 0) setImmediate(() => this.#showChanged());
    this.#changed.set(`${env} ${run.id}`, { env, run, isWhole });
  }

  #showChanged(): void {
    const changed = this.#changed;
    this.#changed = new Map();
    for (const change of changed.values())
      if (change.isWhole) this.#show(change.env, change.run);
      else void this.#showFromLog(change.env, change.run);
  }

  #show(env: string, run: LiveRun): void {
    let shown: Shown | undefined;
    for (const watcher of this.#watchersOf(env, run)) watcher.show((shown ??= new Shown(run)));
  }

  async #showFromLog(env: string, run: LiveRun): Promise<void> {
    const key = `${env} ${run.id}`;
    const isReading = this.#reading.has(key);
    this.#reading.set(key, isReading);
    if (isReading) return;
    do {
      this.#reading.set(key, false);
      this.#show(env, await this.#read(env, run));
    } while (this.#reading.get(key) === true);
    this.#reading.delete(key);
  }

  /** The run as the log has it; as it was folded, without its payload, when the log cannot be read. */
  async #read(env: string, run: LiveRun): Promise<LiveRun> {
    for (let i = 0; i < READS; i++) {
      try {
        const state = await this.#reader.state(env, run.id);
        // A replica may be behind.
        if (state.status !== "absent" && state.lastSeq >= run.lastSeq) return state;
      } catch (error) {
        this.#log.warn({ err: error, runId: run.id }, "reading a watched run failed");
      }
      await new Promise((resolve) => setTimeout(resolve, READ_AGAIN_MS));
    }
    return run;
  }

  #isWatched(env: string, run: LiveRun): boolean {
    for (const _ of this.#watchersOf(env, run)) return true;
    return false;
  }

  *#watchersOf(env: string, run: LiveRun): Iterable<Watcher> {
    const selectable = selectableOf(run);
    for (const key of keysOf(env, selectable))
      for (const watcher of this.#watchers.get(key) ?? [])
        if (isSelected(selectable, watcher.selector)) yield watcher;
  }
}
