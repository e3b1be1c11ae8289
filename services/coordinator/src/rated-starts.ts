/** The starts of all rated queues of a shard: folded from the log beside the runs, and stored with them. */
import type { EventData } from "@millrace/proto";
import { RateLimiter, type StoredStarts } from "./rate-limiter.ts";

type OfQueue = { readonly env: string; readonly queue: string; readonly limiter: RateLimiter };

export type StoredQueueStarts = {
  readonly env: string;
  readonly queue: string;
  readonly starts: StoredStarts;
};

/** How far back the starts of a queue are kept whose rate limit is not known, or was taken away. */
const UNKNOWN_PERIOD_MS = 3_600_000;

export class RatedStarts {
  readonly #queues = new Map<string, OfQueue>();
  readonly #periodOf: (env: string, queue: string) => number | undefined;

  constructor(periodOf: (env: string, queue: string) => number | undefined) {
    this.#periodOf = periodOf;
  }

  /** To be asked for each time: one that remembers nothing is not kept. */
  of(env: string, queue: string): RateLimiter {
    const name = `${env}\n${queue}`;
    let known = this.#queues.get(name);
    if (!known) this.#queues.set(name, (known = { env, queue, limiter: new RateLimiter() }));
    return known.limiter;
  }

  /** A grant applied: a fact of the log, in its order. */
  granted(env: string, { queue, key, slotId, at, rated }: EventData<"slot-granted">): void {
    if (rated !== true) return;
    const limiter = this.of(env, queue);
    limiter.started(key ?? "", slotId, at);
    limiter.prune(at, this.#period(env, queue));
  }

  /** Drops what no limit can ask for any more. */
  prune(now: number): void {
    for (const [name, { env, queue, limiter }] of this.#queues) {
      limiter.prune(now, this.#period(env, queue));
      if (limiter.isEmpty) this.#queues.delete(name);
    }
  }

  stored(): StoredQueueStarts[] {
    return [...this.#queues.values()]
      .map(({ env, queue, limiter }) => ({ env, queue, starts: limiter.stored() }))
      .filter(({ starts }) => starts.length > 0);
  }

  restore(stored: readonly StoredQueueStarts[]): void {
    for (const { env, queue, starts } of stored) this.of(env, queue).restore(starts);
  }

  #period(env: string, queue: string): number {
    return this.#periodOf(env, queue) ?? UNKNOWN_PERIOD_MS;
  }
}
