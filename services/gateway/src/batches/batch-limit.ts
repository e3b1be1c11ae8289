/** How many runs an environment may make by batches: v4's limit of its own, counted by each gateway by itself. */
import type { FastifyReply } from "fastify";
import { sendTooMany } from "../security/rate-limits.ts";
import { TokenBuckets, type Rate } from "../security/token-bucket.ts";

export class BatchLimit {
  readonly #buckets: TokenBuckets | undefined;

  /** @param rate in runs; null or undefined: any number */
  constructor(rate: Rate | null | undefined) {
    this.#buckets = rate ? new TokenBuckets(rate) : undefined;
  }

  /** Answers the request when its batch is too much now; undefined: it goes on, and is counted. */
  refuse(env: string, runCount: number, reply: FastifyReply): FastifyReply | undefined {
    if (!this.#buckets) return undefined;
    const nowMs = Date.now();
    const { rate } = this.#buckets;
    const { size } = rate;
    // A batch of more than there ever is takes all there is.
    const taken = this.#buckets.take(env, nowMs, Math.min(runCount, size));
    if (taken.isAllowed) return undefined;
    void reply.headers({
      "x-ratelimit-limit": String(size),
      "x-ratelimit-remaining": String(taken.remaining),
      // In seconds, unlike that of requests.
      "x-ratelimit-reset": String(Math.ceil(taken.resetAt / 1000)),
    });
    return sendTooMany(reply, { taken, rate, nowMs, what: "runs by batches" });
  }
}
