/** Queues shared by tasks, and the forms a task may name its queue in. */
import { LIMITS, parseDuration, type RateLimit } from "@millrace/proto";
import { defineQueueRecord, type DefinedQueue } from "./registry.ts";

export type QueueOptions = {
  readonly name: string;
  /** How many of its runs may execute at once; null or absent: as many as the machines take. */
  readonly concurrencyLimit?: number | null | undefined;
  /** How many of its runs may start in any period. Absent: as many as there are. */
  readonly rateLimit?: RateLimitOption | undefined;
};

export type RateLimitOption = {
  /** At least 1. */
  readonly limit: number;
  /** A duration such as `1m`, or a number of seconds. */
  readonly period: string | number;
  /** Whether all runs of the queue count together (the default), or those of each concurrency key. */
  readonly per?: "queue" | "key" | undefined;
};

export type Queue = DefinedQueue;

/**
 * Declares a queue. Call it at the top level of a task file; tasks take it as their `queue`, triggers name it.
 * @throws Error when the name or a limit is unusable
 */
export function queue(options: QueueOptions): Queue {
  const { name, concurrencyLimit, rateLimit } = options;
  const read = rateLimit === undefined ? undefined : readRateLimit(rateLimit);
  const problem = queueProblem(options) ?? (typeof read === "string" ? read : undefined);
  if (problem !== undefined)
    throw new Error(`queue({ name: ${JSON.stringify(name)} }): ${problem}`);
  const declared = {
    name,
    concurrencyLimit: concurrencyLimit ?? null,
    ...(typeof read === "object" ? { rateLimit: read } : {}),
  };
  defineQueueRecord(declared);
  return declared;
}

/** What is wrong with a queue's settings; undefined when nothing is. A task's own queue may leave the name out. */
export function queueProblem(settings: {
  readonly name?: unknown;
  readonly concurrencyLimit?: unknown;
}): string | undefined {
  const { name, concurrencyLimit: limit } = settings;
  if (name !== undefined) {
    if (typeof name !== "string" || name.length === 0 || name.length > LIMITS.queueLength)
      return `a queue's name is a text of 1 to ${LIMITS.queueLength} characters`;
    if (/[\p{Cc}\p{Cs}]/u.test(name)) return "a queue's name cannot contain control characters";
  }
  if (limit === undefined || limit === null) return undefined;
  const isUsable =
    typeof limit === "number" &&
    Number.isInteger(limit) &&
    limit >= 0 &&
    limit <= LIMITS.queueLimit;
  return isUsable
    ? undefined
    : `concurrencyLimit is a whole number from 0 to ${LIMITS.queueLimit}, not ${JSON.stringify(limit)}`;
}

/** The limit, or what is wrong with it. */
function readRateLimit({ limit, period, per = "queue" }: RateLimitOption): RateLimit | string {
  if (!Number.isInteger(limit) || limit < 1)
    return `rateLimit.limit is a whole number of at least 1, not ${JSON.stringify(limit)}`;
  const periodMs = typeof period === "number" ? period * 1000 : parseDuration(period);
  if (periodMs === undefined || !(periodMs >= 1))
    return `rateLimit.period is a duration such as "1m" or a number of seconds, not ${JSON.stringify(period)}`;
  if (per !== "queue" && per !== "key")
    return `rateLimit.per is "queue" or "key", not ${JSON.stringify(per)}`;
  return { limit, periodMs: Math.round(periodMs), per };
}
