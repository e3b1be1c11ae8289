/**
 * When rated slots were granted lately: a fold over the grants, as the shard's leader's own. It lives in memory, so a
 * projection that goes on from a kept file knows those since its start.
 */
import type { RateLimit } from "@millrace/proto";

/** Of a queue: keys, and times of each key. More than anybody needs to have explained. */
const KEPT = 10_000;

export class RatedGrants {
  /** Ascending, by queue and then by concurrency key. */
  readonly #grants = new Map<string, Map<string, number[]>>();

  granted(env: string, queue: string, key: string, at: number): void {
    const name = `${env}\n${queue}`;
    let keys = this.#grants.get(name);
    if (!keys) this.#grants.set(name, (keys = new Map()));
    const times = keys.get(key);
    if (!times) {
      keys.set(key, [at]);
      const [oldest] = keys.keys();
      if (keys.size > KEPT && oldest !== undefined) keys.delete(oldest);
    } else if (times.push(at) > 2 * KEPT) times.splice(0, KEPT);
  }

  /** When the next run of the queue (of the key) may start; a time in the past: now. */
  nextAt(env: string, queue: string, key: string, rate: RateLimit, nowMs: number): number {
    const keys = this.#grants.get(`${env}\n${queue}`);
    if (!keys) return nowMs;
    for (const [name, times] of keys) {
      const firstUseful = times.findIndex((at) => at > nowMs - rate.periodMs);
      if (firstUseful === -1) keys.delete(name);
      else if (firstUseful > 0) times.splice(0, firstUseful);
    }
    const times =
      rate.per === "key"
        ? (keys.get(key) ?? [])
        : [...keys.values()].flat().toSorted((a, b) => a - b);
    const oldest = times.at(-rate.limit);
    return times.length < rate.limit || oldest === undefined ? nowMs : oldest + rate.periodMs;
  }
}
