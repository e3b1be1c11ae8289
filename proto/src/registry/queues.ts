/** Records of queues: how many of their runs may execute at once; and what queues are named by. */
import { z } from "zod";
import { timestamp } from "../events/values.ts";
import { boundedToken, decodeToken, encodeToken } from "../wire/tokens.ts";

/** At most `limit` starts in any period; of the whole queue, or of each concurrency key. */
export const rateLimitSchema = z.object({
  limit: z.number().int().positive(),
  periodMs: z.number().int().positive(),
  per: z.enum(["queue", "key"]),
});
export type RateLimit = z.infer<typeof rateLimitSchema>;

/**
 * `concurrencyLimit` is the declared one; null: no limit. `override` counts instead of it until it is reset. Those who
 * declare queues own `concurrencyLimit` and `rateLimit`; those who manage them own `override` and `paused`.
 */
export const queueRecordSchema = z.object({
  name: z.string(),
  type: z.enum(["task", "custom"]),
  concurrencyLimit: z.number().int().nonnegative().nullable(),
  rateLimit: rateLimitSchema.optional(),
  override: z
    .object({ concurrencyLimit: z.number().int().nonnegative(), at: timestamp })
    .optional(),
  paused: z.boolean().optional(),
});
export type QueueRecord = z.infer<typeof queueRecordSchema>;

/** How many runs of the queue (of each concurrency key) may execute at once; null: any number. */
export function limitOfQueue(queue: QueueRecord): number | null {
  if (queue.paused === true) return 0;
  return queue.override?.concurrencyLimit ?? queue.concurrencyLimit;
}

/** Whether the queue's runs must be granted a slot before they are dispatched. */
export function needsSlot(queue: QueueRecord): boolean {
  return limitOfQueue(queue) !== null || queue.rateLimit !== undefined;
}

export function queueKey(env: string, queue: string): string {
  return `${env}.${boundedToken(queue)}`;
}

/** The queue a task has to itself when it names none. */
export function ownQueue(taskId: string): string {
  return `task/${taskId}`;
}

/** A queue's id, as v4's clients write it: its name can be read from it. */
export function queueId(queue: string): string {
  return `${QUEUE_ID}${encodeToken(queue)}`;
}

/** The queue an id names; undefined when it is no id. */
export function queueOfId(id: string): string | undefined {
  const isId = id.startsWith(QUEUE_ID) && id.length > QUEUE_ID.length;
  return isId ? decodeToken(id.slice(QUEUE_ID.length)) : undefined;
}

const QUEUE_ID = "queue_";
