/** Requests per secret key and per public token, counted by each gateway by itself. v4's answers. */
import { refuse } from "@millrace/proto";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { Identity } from "./authenticate.ts";
import { TokenBuckets, type Rate, type Taken } from "./token-bucket.ts";

/** null: as many as they like. */
export type RateLimits = {
  readonly perKey: Rate | null;
  readonly perToken: Rate | null;
  /** Runs that the batches of an environment make. */
  readonly batchRuns: Rate | null;
};

type Who = Pick<Identity, "token"> & { readonly keyHash: string | undefined };

export class RateLimiter {
  readonly #keys: TokenBuckets | null;
  readonly #tokens: TokenBuckets | null;

  constructor({ perKey, perToken }: Omit<RateLimits, "batchRuns">) {
    this.#keys = perKey && new TokenBuckets(perKey);
    this.#tokens = perToken && new TokenBuckets(perToken);
  }

  /** Counts a request; undefined: its kind of credential has no limit, or it has none yet. */
  take({ keyHash, token }: Who, nowMs: number): (Taken & { readonly rate: Rate }) | undefined {
    const buckets = token ? this.#tokens : this.#keys;
    const who = token?.hash ?? keyHash;
    if (!buckets || who === undefined) return undefined;
    return { ...buckets.take(who, nowMs), rate: buckets.rate };
  }
}

/** Comes after `authenticate`. */
export function limitRates(app: FastifyInstance, limiter: RateLimiter): void {
  app.addHook("onRequest", async (request, reply) => {
    const nowMs = Date.now();
    const taken = limiter.take(request, nowMs);
    if (!taken) return;
    const { rate } = taken;
    void reply.headers({
      "x-ratelimit-limit": String(rate.size),
      "x-ratelimit-remaining": String(taken.remaining),
      "x-ratelimit-reset": String(taken.resetAt),
    });
    if (taken.isAllowed) return;
    return sendTooMany(reply, { taken, rate, nowMs, what: "requests" });
  });
}

type TooMany = {
  readonly taken: Taken;
  readonly rate: Rate;
  readonly nowMs: number;
  /** What is counted. */
  readonly what: string;
};

export function sendTooMany(reply: FastifyReply, tooMany: TooMany): FastifyReply {
  const { taken, nowMs } = tooMany;
  return reply
    .code(429)
    .header("retry-after", String(secondsUntil(taken.resetAt, nowMs)))
    .type("application/problem+json")
    .send(JSON.stringify(problem(tooMany)));
}

function problem({ taken: { resetAt, remaining }, rate: { size }, nowMs, what }: TooMany): object {
  const secondsUntilReset = secondsUntil(resetAt, nowMs);
  const { code, message } = refuse(
    "RATE_LIMITED",
    `Rate limit exceeded: ${remaining} of ${size} ${what} left. Try again in ${secondsUntilReset} s.`,
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
