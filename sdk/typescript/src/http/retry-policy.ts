/** When a request is sent again: v4's numbers, changed by `requestOptions.retry`. Pure. */
import type { RequestRetry } from "../request-options.ts";

export type RetryPolicy = Required<RequestRetry>;

const DEFAULTS: RetryPolicy = {
  maxAttempts: 5,
  minTimeoutInMs: 1000,
  maxTimeoutInMs: 30_000,
  factor: 1.6,
  randomize: false,
};

export function retryPolicy(settings: RequestRetry = {}): RetryPolicy {
  return { ...DEFAULTS, ...settings };
}

/** Milliseconds before the attempt after this one (from 1). */
export function backoffMs(policy: RetryPolicy, attempt: number): number {
  const { minTimeoutInMs, maxTimeoutInMs, factor, randomize } = policy;
  const spread = randomize ? 1 + Math.random() : 1;
  return Math.min(minTimeoutInMs * factor ** (attempt - 1) * spread, maxTimeoutInMs);
}

/**
 * Milliseconds until the next attempt; undefined when there should be none. A 404 is final, though it carries
 * `x-should-retry: true` for v4's clients: here a run can be read as soon as its trigger was answered.
 */
export function retryInMs(
  policy: RetryPolicy,
  { status, headers }: Pick<Response, "status" | "headers">,
  attempt: number,
): number | undefined {
  const isTransient = status === 408 || status === 409 || status === 429 || status >= 500;
  if (!isTransient || headers.get("x-should-retry") === "false") return undefined;
  const resetAt = Number(headers.get("x-ratelimit-reset") ?? Number.NaN);
  if (status !== 429 || Number.isNaN(resetAt)) return backoffMs(policy, attempt);
  return Math.min(Math.max(resetAt - Date.now(), 0), policy.maxTimeoutInMs);
}
