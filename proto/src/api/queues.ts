/** `/api/v1/queues`: what is sent and answered. */
import { z } from "zod";
import { CALLS } from "./calls.ts";
import { numberedPaginationSchema } from "./pages.ts";

/** How a queue is named in the path: by its id, its task's id or its own name. */
const type = z.enum(["id", "task", "custom"]).optional();

export const queueQuerySchema = z.object({ type: type.describe("Default `id`.") });
export type QueueQuery = Readonly<z.infer<typeof queueQuerySchema>>;

export const pauseQueueBodySchema = z.object({ type, action: z.enum(["pause", "resume"]) });

export const overrideQueueBodySchema = z.object({
  type,
  concurrencyLimit: CALLS["queues.override"].shape.concurrencyLimit,
});

export const resetQueueBodySchema = z.object({ type });

/** v4 has a text of its own for a queue that is not there. */
export const queueRefusalSchema = z.object({
  error: z.literal("queue-not-found"),
  code: z.literal("QUEUE_NOT_FOUND"),
  message: z.string(),
});

const limit = z.number().int().nonnegative().nullable();

export const queueViewSchema = z.object({
  id: z.string(),
  name: z.string(),
  type: z.enum(["task", "custom"]),
  running: z.number().int().nonnegative(),
  queued: z.number().int().nonnegative(),
  paused: z.boolean(),
  concurrencyLimit: limit,
  concurrency: z.object({
    current: limit,
    base: limit,
    override: limit,
    overriddenAt: z.iso.datetime().nullable(),
    overriddenBy: z.string().nullable(),
  }),
});

export const queueListSchema = z.object({
  data: z.array(queueViewSchema),
  pagination: numberedPaginationSchema,
});
