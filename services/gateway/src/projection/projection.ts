/**
 * All runs, as lists and subscriptions show them: a fold of the whole log that anyone may delete.
 *
 * Owns: one reader of `RUNS` and the folded states of unfinished runs. When they become rows is `RowWriter`'s business.
 * 1. Every event is folded once, in the log's order. Rows follow about a second later, a few at a time, so that a short
 *    run is written once and requests are not held up; whoever reads rows gets them with everything that was folded.
 * 2. A finished run leaves memory when its row is written. A fact about it after that (a tag, metadata) has its log
 *    read again; until then its row shows it without that fact.
 * 3. The sequence in the file is one from which reading on loses nothing, whenever the process ends.
 */
import {
  applied,
  decodeEvent,
  evolve,
  initial,
  refuse,
  RUNS,
  type CallInput,
  type EventType,
  type LiveRun,
  type Page,
  type Refusal,
  type RunEvent,
  type RunFilter,
  type RunItem,
  type RunState,
} from "@millrace/proto";
import {
  Feed,
  RunLogReader,
  storedAt,
  type Delivery,
  type Logger,
  type NatsConnection,
} from "@millrace/service-kit";
import type { Entry } from "./entry.ts";
import type { Place } from "./list-conditions.ts";
import { lightened } from "./light-event.ts";
import { Milestones } from "./milestones.ts";
import { QueueLines } from "./queue-lines.ts";
import { RatedGrants } from "./rated-grants.ts";
import { childrenOf, runIdsOf, type SelectedRuns } from "./run-family.ts";
import { listRuns } from "./run-list.ts";
import { countRuns, selectionOf, selectRuns, type ListedRun } from "./run-selection.ts";
import { Expiry } from "./expiry.ts";
import { Revivals } from "./revivals.ts";
import { RowWriter } from "./row-writer.ts";
import { RunStore } from "./run-store.ts";
import { streamPosition } from "./stream-position.ts";

export type ProjectionParts = {
  readonly nc: NatsConnection;
  readonly log: Logger;
  /** Where to keep the rows between starts; without it they are gone at the end. */
  readonly file?: string | undefined;
  /** How soon it looks for runs that have become too old; default 10 s. */
  readonly expiryMs?: number;
};

/** `isWhole` false: the payload was too large to be kept in memory, and is not in `run`. */
export type RunChange = { readonly env: string; readonly run: LiveRun; readonly isWhole: boolean };

export type QueueCounts = { readonly running: number; readonly queued: number };

/** How many logs are read at once when runs are taken over from a kept file. */
const RELOADS = 64;
const CATCH_UP_PATIENCE_MS = 5000;
const FRESH_PATIENCE_MS = 1000;
const NOT_READY = "This gateway is still reading the log of runs; try again in a moment";

/** What changes a run that has ended. */
const AFTERTHOUGHTS: ReadonlySet<EventType> = new Set<EventType>([
  "tags-added",
  "metadata-updated",
  "run-awaited",
]);

export class Projection {
  readonly lines = new QueueLines();
  readonly rated = new RatedGrants();
  readonly #nc: NatsConnection;
  readonly #log: Logger;
  readonly #store: RunStore;
  readonly #reader: RunLogReader;
  /** By environment and run id. */
  readonly #entries = new Map<string, Map<string, Entry>>();
  readonly #writer: RowWriter;
  readonly #expiry: Expiry;
  readonly #revivals: Revivals;
  readonly #listeners = new Set<(change: RunChange) => void>();
  readonly #milestones = new Milestones();
  /** Up to here rows may be ahead of the events that come. */
  #aheadUntil = 0;
  #feed: Feed | undefined;
  #seq: number;
  #pending = 0;
  #last: Delivery | undefined;
  #caughtUp = false;
  #closed = false;

  private constructor(parts: ProjectionParts, store: RunStore) {
    this.#nc = parts.nc;
    this.#log = parts.log;
    this.#store = store;
    this.#reader = new RunLogReader(parts.nc);
    this.#seq = store.lastSeq;
    this.#writer = new RowWriter({
      store,
      log: parts.log,
      settledSeq: () => this.settledSeq,
      onGone: (entry) => this.#forget(entry),
    });
    this.#expiry = new Expiry({ nc: parts.nc, store, log: parts.log, leastMs: parts.expiryMs });
    this.#revivals = new Revivals({
      log: parts.log,
      find: (env, runId) => store.find(env, runId),
      read: (env, runId, tags) => this.#read(env, runId, tags),
      onRevived: (entry) => this.#revived(entry),
    });
  }

  /**
   * Resolves when it has begun to read; `whenCaughtUp` tells when everything so far is in it.
   * @throws ConfigError when the file cannot be used
   */
  static async open(parts: ProjectionParts): Promise<Projection> {
    const { created, first, last } = await streamPosition(parts.nc, RUNS.name);
    const store = RunStore.open(parts.file, created, { first, last });
    const projection = new Projection(parts, store);
    await projection.#reload();
    projection.#feed = await Feed.start(parts.nc, {
      stream: RUNS.name,
      subjects: RUNS.subjects,
      from: { after: projection.#seq },
      onMessage: (delivery) => projection.#receive(delivery),
      onError: (error) => parts.log.warn({ err: error }, "reading the log fails, trying again"),
    });
    void projection.#feed.caughtUp.then(() => projection.#markCaughtUp());
    projection.#expiry.begin();
    return projection;
  }

  get isCaughtUp(): boolean {
    return this.#caughtUp;
  }

  /** Events of the log the broker had not delivered when it delivered the last one. */
  get lag(): number {
    return this.#pending;
  }

  /** While there are such events: how long ago the last one it has was stored. */
  lagMs(nowMs: number): number {
    if (this.#pending === 0 || !this.#last) return 0;
    return Math.max(0, nowMs - storedAt(this.#last));
  }

  /** The last sequence that was folded. */
  get seq(): number {
    return this.#seq;
  }

  /** Every change up to here has been told: a run that is read again is one whose change is still to come. */
  get settledSeq(): number {
    return this.#revivals.settledBefore(this.#seq);
  }

  /** Whether all that was in the log when it was opened is in it now; waits up to `timeoutMs` for that. */
  async whenCaughtUp(timeoutMs: number): Promise<boolean> {
    return this.#caughtUp || (await this.#milestones.wait("caught-up", timeoutMs));
  }

  /** Whether it has come as far as this sequence of the log; waits up to `timeoutMs` for that. */
  async reached(seq: number, timeoutMs: number): Promise<boolean> {
    return this.#seq >= seq || (await this.#milestones.wait(seq, timeoutMs));
  }

  /**
   * Waits until every event that is stored now is in it: whoever was told that something is stored finds it. A reader
   * that is behind under load is waited for a second, and what it has by then is what there is.
   * @returns a refusal while it is still catching up, after five seconds
   * @throws BrokerUnavailableError
   */
  async upToDate(): Promise<Refusal | undefined> {
    if (!(await this.whenCaughtUp(CATCH_UP_PATIENCE_MS)))
      return refuse("LIST_NOT_READY", `${NOT_READY} (${this.#pending} events to go)`);
    const { last } = await streamPosition(this.#nc, RUNS.name);
    await this.reached(last, FRESH_PATIENCE_MS);
    return undefined;
  }

  /** Newest first. */
  listRuns(
    env: string,
    input: CallInput<"runs.list">,
  ): { readonly ok: true; readonly value: Page<RunItem> } | Refusal {
    this.flush();
    return listRuns(this.#store.db, env, input, Date.now());
  }

  /** What a filter means now: the runs it matches, and how to find the same ones later. */
  select(
    env: string,
    filter: RunFilter,
    nowMs: number,
  ):
    | {
        readonly ok: true;
        readonly total: number;
        readonly maxSeq: number;
        readonly from: number;
        readonly to: number;
      }
    | Refusal {
    const selected = selectionOf(env, filter, nowMs);
    if (!selected.ok) return selected;
    this.flush();
    const { from, to } = selected.selection.bounds;
    const total = countRuns(this.#store.db, selected.selection);
    return { ok: true, total, maxSeq: this.#seq, from, to };
  }

  /** The runs behind `place` that match, newest first, of those that were triggered up to `maxSeq`. */
  selectPage(
    env: string,
    filter: RunFilter,
    maxSeq: number,
    limit: number,
    place?: Place,
  ): readonly ListedRun[] {
    this.flush();
    const { from = 0, to = Number.MAX_SAFE_INTEGER } = filter;
    const selection = { env, filter, bounds: { from, to, maxSeq } };
    return selectRuns(this.#store.db, selection, limit, "older", place);
  }

  /** The run in memory; undefined when it has ended, or is not known. */
  live(env: string, runId: string): Entry | undefined {
    return this.#entries.get(env)?.get(runId);
  }

  /** The runs this one triggered, oldest first, at most 1,000. */
  childrenOf(env: string, runId: string): RunItem[] {
    this.flush();
    return childrenOf(this.#store.db, env, runId);
  }

  queueCounts(env: string, queue: string): QueueCounts {
    const { admitted, waiting } = this.lines.of(env, queue);
    return { running: admitted.size, queued: waiting.size };
  }

  /** Ids of the runs with all of these tags, and of this batch, the oldest first; of more than `limit` the newest. */
  runsOf(env: string, selector: SelectedRuns, limit: number): string[] {
    this.flush();
    return runIdsOf(this.#store.db, env, selector, limit);
  }

  /** Calls `listener` after each change of any run, in the order of the log. It may not throw. */
  onRun(listener: (change: RunChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#milestones.giveUp();
    this.#expiry.stop();
    this.#revivals.stop();
    await this.#feed?.stop();
    this.#writer.close();
    this.#store.close();
  }

  /** Takes unfinished runs over from the file. */
  async #reload(): Promise<void> {
    const runs = this.#store.live()[Symbol.iterator]();
    const reload = async (): Promise<void> => {
      for (let next = runs.next(); !next.done; next = runs.next()) {
        const { env, id, tags } = next.value;
        const entry = await this.#read(env, id, tags);
        if (!entry) continue;
        this.#keep(entry);
        this.lines.changed(env, undefined, entry.state);
        this.#writer.add(entry);
      }
    };
    await Promise.all(Array.from({ length: RELOADS }, reload));
    this.flush();
    this.#aheadUntil = this.#store.newestSeq;
  }

  #markCaughtUp(): void {
    if (this.#closed) return;
    this.#caughtUp = true;
    this.#milestones.caughtUp();
  }

  #receive(delivery: Delivery): void {
    if (this.#closed) return;
    const { subject, type, data, seq } = delivery;
    const decoded = decodeEvent(subject, type, data, seq);
    this.#seq = seq;
    this.#pending = delivery.pending;
    this.#last = delivery;
    if (decoded.kind === "event") this.#take(envOf(subject), decoded.event);
    this.#writer.pump();
    this.#milestones.passed(seq);
  }

  /** An event that cannot be taken (the disk is full) costs its run's row, not the gateway. */
  #take(env: string, event: RunEvent): void {
    try {
      this.#fold(env, event);
    } catch (error) {
      this.#log.error(
        { err: error, runId: event.runId },
        "an event is missing in the list of runs",
      );
    }
  }

  #fold(env: string, whole: RunEvent): void {
    const entry = this.live(env, whole.runId);
    const { event, isWhole } = lightened(whole);
    if (!entry) return this.#meet(env, event, isWhole);
    if (event.seq <= entry.seq) return;
    const before = entry.state;
    const after = evolve(before, event) as LiveRun;
    entry.state = after;
    entry.seq = event.seq;
    if (!applied(before, after)) return;
    if (!isWhole) entry.isWhole = false;
    if (event.type === "slot-granted" && event.data.rated === true)
      this.rated.granted(env, event.data.queue, event.data.key ?? "", event.data.at);
    this.#changed(entry, before);
  }

  /** An event of a run that is not in memory. */
  #meet(env: string, event: RunEvent, isWhole: boolean): void {
    const { runId, seq } = event;
    if (AFTERTHOUGHTS.has(event.type)) return this.#revivals.ask(env, runId, seq);
    const state = evolve(initial, event);
    // Its beginning is not in the log any more, or it has ended.
    if (state.status === "absent") return;
    if (seq <= this.#aheadUntil && this.#store.find(env, runId)) return;
    const entry: Entry = { env, state, seq, isWhole, isStored: false, storedTags: [] };
    this.#keep(entry);
    this.#changed(entry, undefined);
  }

  #keep(entry: Entry): void {
    let runs = this.#entries.get(entry.env);
    if (!runs) this.#entries.set(entry.env, (runs = new Map()));
    runs.set(entry.state.id, entry);
  }

  #changed(entry: Entry, before: LiveRun | undefined): void {
    this.#writer.add(entry);
    this.lines.changed(entry.env, before, entry.state);
    if (this.#listeners.size === 0) return;
    const change = { env: entry.env, run: entry.state, isWhole: entry.isWhole };
    for (const listener of this.#listeners) listener(change);
  }

  #revived(entry: Entry): void {
    this.#keep(entry);
    this.#changed(entry, undefined);
    this.#writer.pump();
  }

  /** The run's whole log, folded; null when its beginning is not there any more. */
  async #read(env: string, runId: string, storedTags: readonly string[]): Promise<Entry | null> {
    let state: RunState = initial;
    let seq = 0;
    let isWhole = true;
    for (const read of await this.#reader.read(env, runId)) {
      const light = lightened(read);
      state = evolve(state, light.event);
      seq = read.seq;
      isWhole &&= light.isWhole;
    }
    if (state.status === "absent") return null;
    return { env, state, seq, isWhole, isStored: true, storedTags };
  }

  /** Brings the rows up to what was folded, at once. */
  flush(): void {
    this.#writer.flush();
  }

  #forget(entry: Entry): void {
    this.lines.changed(entry.env, entry.state, undefined);
    this.#entries.get(entry.env)?.delete(entry.state.id);
  }
}

/** The environment a `run.…` subject names. */
function envOf(subject: string): string {
  return subject.slice(4, subject.indexOf(".", 4));
}
