/** Queues shared by tasks, and the forms a task may name its queue in. */
import { LIMITS } from "@millrace/proto";
import { defineQueueRecord } from "./registry.ts";

export type QueueOptions = {
  readonly name: string;
  /** How many of its runs may execute at once; null or absent: as many as the machines take. */
  readonly concurrencyLimit?: number | null | undefined;
};

export type Queue = { readonly name: string; readonly concurrencyLimit: number | null };

/** v4's highest limit. */
const MAX_CONCURRENCY = 100_000;

/**
 * Declares a queue. Call it at the top level of a task file; tasks take it as their `queue`, triggers name it.
 * @throws Error when the name or the limit is unusable
 */
export function queue({ name, concurrencyLimit }: QueueOptions): Queue {
  const problem = queueProblem({ name, concurrencyLimit });
  if (problem !== undefined)
    throw new Error(`queue({ name: ${JSON.stringify(name)} }): ${problem}`);
  const declared = { name, concurrencyLimit: concurrencyLimit ?? null };
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
    typeof limit === "number" && Number.isInteger(limit) && limit >= 0 && limit <= MAX_CONCURRENCY;
  return isUsable
    ? undefined
    : `concurrencyLimit is a whole number from 0 to ${MAX_CONCURRENCY}, not ${JSON.stringify(limit)}`;
}
