/**
 * When runs of one rated queue were started lately: what its rate limit is checked against.
 *
 * 1. At most `limit` starts lie in any `periodMs`, of the queue or of each key: a start is counted when it is decided,
 *    and taken back when its grant did not apply.
 * 2. What is remembered is a fold over the log's rated grants, but for those on their way; nothing much older than a
 *    period is kept.
 * 3. Times never go back: a leader whose clock is behind its predecessor's goes on from the last start's time.
 */
import type { RateLimit } from "@millrace/proto";
import { StartLog, type Start } from "./start-log.ts";

/** By key: when its runs were started, oldest first. */
export type StoredStarts = readonly (readonly [key: string, ats: readonly number[]])[];

/** Starts are kept for so much longer: another leader's clock may be behind that of the one that drops them. */
const CLOCKS_DIFFER_MS = 10_000;

export class RateLimiter {
  readonly #all = new StartLog();
  readonly #keys = new Map<string, StartLog>();
  /** Decided, and on their way into the log; by slot. */
  readonly #pending = new Map<string, Start>();

  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  /** The time to decide by. */
  clock(now: number): number {
    return Math.max(now, this.#all.last?.at ?? 0);
  }

  /** When the key's next run may start: `now`, or later. */
  nextAt({ limit, periodMs, per }: RateLimit, key: string, now: number): number {
    this.prune(now, periodMs);
    const log = per === "queue" ? this.#all : this.#keys.get(key);
    const blocking = log?.fromEnd(limit);
    return blocking ? Math.max(now, blocking.at + periodMs) : now;
  }

  /** Counts a start whose grant goes into the log now. */
  reserve(key: string, slotId: string, at: number): void {
    const start = { key, at };
    this.#pending.set(slotId, start);
    this.#add(start);
  }

  /** The grant did not apply. */
  takeBack(slotId: string): void {
    const start = this.#pending.get(slotId);
    if (!start) return;
    this.#pending.delete(slotId);
    this.#all.remove(start);
    this.#keys.get(start.key)?.remove(start);
    this.#dropIfEmpty(start.key);
  }

  /** The log has the grant. */
  started(key: string, slotId: string, at: number): void {
    if (!this.#pending.delete(slotId)) this.#add({ key, at });
  }

  /** Forgets starts that count no more. */
  prune(now: number, periodMs: number): void {
    const until = now - periodMs - CLOCKS_DIFFER_MS;
    for (let start = this.#all.dropFirst(until); start; start = this.#all.dropFirst(until)) {
      this.#keys.get(start.key)?.dropFirst(until);
      this.#dropIfEmpty(start.key);
    }
  }

  /** What the log says: without the starts that are on their way. */
  stored(): StoredStarts {
    const pending = new Set(this.#pending.values());
    const keys = [...this.#keys].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return keys.flatMap(([key, log]) => {
      const starts = log.toArray().filter((start) => !pending.has(start));
      return starts.length === 0 ? [] : [[key, starts.map(({ at }) => at)] as const];
    });
  }

  restore(stored: StoredStarts): void {
    const starts = stored.flatMap(([key, ats]) => ats.map((at) => ({ key, at })));
    for (const start of starts.toSorted((a, b) => a.at - b.at)) this.#add(start);
  }

  #add(start: Start): void {
    this.#all.add(start);
    let log = this.#keys.get(start.key);
    if (!log) this.#keys.set(start.key, (log = new StartLog()));
    log.add(start);
  }

  #dropIfEmpty(key: string): void {
    if (this.#keys.get(key)?.size === 0) this.#keys.delete(key);
  }
}
