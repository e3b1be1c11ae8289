/** Requests per secret key and per public token, counted by each gateway by itself. v4's answers. */
import { refuse } from "@millrace/proto";
import type { FastifyInstance } from "fastify";
import { TokenBuckets, type Rate, type Taken } from "./token-bucket.ts";

/** null: as many as they like. */
export type RateLimits = { readonly perKey: Rate | null; readonly perToken: Rate | null };

/** Comes after `authenticate`. */
export function limitRates(app: FastifyInstance, { perKey, perToken }: RateLimits): void {
  const keys = perKey && new TokenBuckets(perKey);
  const tokens = perToken && new TokenBuckets(perToken);
  app.addHook("onRequest", async ({ keyHash, token }, reply) => {
    const buckets = token ? tokens : keys;
    const who = token?.hash ?? keyHash;
    if (!buckets || who === undefined) return;
    const nowMs = Date.now();
    const taken = buckets.take(who, nowMs);
    void reply.headers({
      "x-ratelimit-limit": String(buckets.rate.size),
      "x-ratelimit-remaining": String(taken.remaining),
      "x-ratelimit-reset": String(taken.resetAt),
    });
    if (taken.isAllowed) return;
    return reply
      .code(429)
      .header("retry-after", String(secondsUntil(taken.resetAt, nowMs)))
      .type("application/problem+json")
      .send(JSON.stringify(problem(taken, buckets.rate, nowMs)));
  });
}

function problem({ resetAt, remaining }: Taken, { size }: Rate, nowMs: number): object {
  const secondsUntilReset = secondsUntil(resetAt, nowMs);
  const { code, message } = refuse(
    "RATE_LIMITED",
    `Rate limit exceeded: ${remaining} of ${size} requests left. Try again in ${secondsUntilReset} s.`,
  );
  return {
    title: "Rate Limit Exceeded",
    status: 429,
    type: "https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/429",
    detail: message,
    reset: resetAt,
    limit: size,
    remaining,
    secondsUntilReset,
    error: message,
    code,
  };
}

function secondsUntil(atMs: number, nowMs: number): number {
  return Math.max(1, Math.ceil((atMs - nowMs) / 1000));
}
