/**
 * Changed runs on their way into rows: about a second later and a few at a time, so that a short run is written once and
 * requests are not held up.
 *
 * 1. A row is written from what its run is then, never from what it was when it was put in line.
 * 2. How far the rows are is written with the last of those that had changed by then.
 * 3. What cannot be written (the disk is full) waits and is tried again.
 */
import type { Logger } from "@millrace/service-kit";
import type { Entry } from "./entry.ts";
import type { RunStore } from "./run-store.ts";

const FLUSH_MS = 1000;
/** So many changed runs are written before that. */
const FLUSH_RUNS = 5000;
/** So many are written at once: reading is ahead of writing by too much. */
const FLUSH_AT_ONCE_RUNS = 20_000;
/** Rows a turn of the event loop: a few milliseconds. */
const SLICE = 64;
const WRITE_AGAIN_MS = 1000;

/** How far in the log the rows are when all of the entries are written. */
type Draining = { readonly entries: Set<Entry>; readonly seq: number };

export type RowWriterParts = {
  readonly store: RunStore;
  readonly log: Logger;
  /** How far the rows are when every changed run is written. */
  readonly settledSeq: () => number;
  /** The run need not be in memory any more: it has ended and is written, or has no row of its own. */
  readonly onGone: (entry: Entry) => void;
};

export class RowWriter {
  readonly #parts: RowWriterParts;
  #dirty = new Set<Entry>();
  #draining: Draining | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(parts: RowWriterParts) {
    this.#parts = parts;
  }

  /** The run has changed. Call `pump` when everybody has been told. */
  add(entry: Entry): void {
    this.#dirty.add(entry);
  }

  /** Sees to it that what has changed is written in time. */
  pump(): void {
    if (this.#dirty.size >= FLUSH_AT_ONCE_RUNS) this.flush();
    else if (this.#dirty.size >= FLUSH_RUNS) this.#drain();
    else if (this.#dirty.size > 0) this.#drainIn(FLUSH_MS);
  }

  /** Brings the rows up to what has changed, at once. */
  flush(): void {
    this.#stopTimer();
    if (this.#dirty.size === 0 && !this.#draining) return;
    const all = new Set([...(this.#draining?.entries ?? []), ...this.#dirty]);
    this.#draining = undefined;
    this.#dirty.clear();
    this.#write(all, [...all], this.#parts.settledSeq());
  }

  /** Writes what there is for the last time. */
  close(): void {
    this.#closed = true;
    this.flush();
    this.#stopTimer();
  }

  /** The same as `flush`, a slice a turn; what changes meanwhile is for the next time. */
  #drain(): void {
    this.#stopTimer();
    if (this.#draining || this.#dirty.size === 0) return;
    const draining: Draining = { entries: this.#dirty, seq: this.#parts.settledSeq() };
    this.#dirty = new Set();
    this.#draining = draining;
    const next = (): void => {
      // Somebody could not wait for it.
      if (this.#draining !== draining) return;
      const slice = firstOf(draining.entries, SLICE);
      const isLast = slice.length === draining.entries.size;
      if (isLast) this.#draining = undefined;
      this.#write(draining.entries, slice, isLast ? draining.seq : undefined);
      if (isLast) this.pump();
      else setImmediate(next);
    };
    next();
  }

  /**
   * Writes `slice` and takes it out of `waiting`.
   * @param seq how far the rows are when this is written; absent: more has to be written first
   */
  #write(waiting: Set<Entry>, slice: readonly Entry[], seq: number | undefined): void {
    const { store, log, onGone } = this.#parts;
    try {
      const strangers = store.write(slice, seq);
      for (const entry of strangers) onGone(entry);
      for (const entry of slice) {
        waiting.delete(entry);
        entry.isStored = true;
        entry.storedTags = entry.state.tags;
        // What has happened to it since it was put in line is in the row already.
        this.#dirty.delete(entry);
        if (entry.state.status === "finished") onGone(entry);
      }
    } catch (error) {
      log.error({ err: error }, "the list of runs cannot be written, trying again");
      for (const entry of waiting) this.#dirty.add(entry);
      this.#draining = undefined;
      if (!this.#closed) this.#drainIn(WRITE_AGAIN_MS);
    }
  }

  #drainIn(ms: number): void {
    this.#timer ??= setTimeout(() => this.#drain(), ms);
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

function firstOf(entries: Iterable<Entry>, count: number): Entry[] {
  const first: Entry[] = [];
  for (const entry of entries) {
    if (first.length === count) break;
    first.push(entry);
  }
  return first;
}
