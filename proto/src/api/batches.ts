/**
 * Batches in two phases: `POST /api/v3/batches` announces how many items come, `POST /api/v3/batches/:id/items` brings
 * them, a JSON text a line. Sent again, an item counts once: its index is its identity.
 */
import { z } from "zod";
import { batchErrorSchema } from "../registry/batches.ts";
import { runResultSchema } from "./run-requests.ts";
import { LIMITS, triggerOptionsSchema } from "./trigger.ts";

const runCount = z.number().int().min(1).max(LIMITS.batchItems);

export const createBatchBodySchema = z.object({
  runCount,
  /** The tasks its items may name; for keys that may trigger only some. */
  taskIdentifiers: z.array(z.string()).optional(),
  parentRunId: z.string().optional(),
  resumeParentOnCompletion: z.boolean().optional(),
  idempotencyKey: z.string().min(1).max(LIMITS.idempotencyKeyLength).optional(),
  idempotencyKeyTTL: z.string().optional(),
  idempotencyKeyOptions: z.object({ key: z.string(), scope: z.string() }).optional(),
});
export type CreateBatchBody = z.infer<typeof createBatchBodySchema>;

export const batchItemSchema = z.object({
  index: z.number().int().nonnegative(),
  task: z.string(),
  payload: z.unknown().optional(),
  options: triggerOptionsSchema.optional(),
});
export type BatchItem = z.infer<typeof batchItemSchema>;

/** All at once: `POST /api/v1/tasks/batch`, `POST /api/v2/tasks/batch`. */
export const wholeBatchBodySchema = z.object({
  items: z
    .array(batchItemSchema.omit({ index: true }))
    .min(1)
    .max(LIMITS.batchItems),
  parentRunId: z.string().optional(),
  resumeParentOnCompletion: z.boolean().optional(),
});

/** `POST /api/v1/tasks/:taskId/batch` */
export const taskBatchBodySchema = z.object({
  items: z
    .array(batchItemSchema.omit({ index: true, task: true }))
    .min(1)
    .max(LIMITS.batchItems),
});

export const createdBatchSchema = z.object({
  id: z.string(),
  runCount,
  /** All its items came before: none are to be sent. */
  isCached: z.boolean(),
  idempotencyKey: z.string().optional(),
});
export type CreatedBatch = z.infer<typeof createdBatchSchema>;

export const batchItemsAnswerSchema = z.object({
  id: z.string(),
  /** Of this request: those that are new, and those that had come before. */
  itemsAccepted: z.number().int().nonnegative(),
  itemsDeduplicated: z.number().int().nonnegative(),
  /** Every item is there. Otherwise the whole request is to be sent again. */
  sealed: z.boolean(),
  enqueuedCount: z.number().int().nonnegative(),
  expectedCount: z.number().int().positive(),
  runCount,
});
export type BatchItemsAnswer = z.infer<typeof batchItemsAnswerSchema>;

/** `POST /api/v1/tasks/:taskId/batch` */
export const taskBatchAnswerSchema = z.object({ batchId: z.string(), runs: z.array(z.string()) });

/** `GET /api/v1/batches/:id/results`: of its runs that have ended. */
export const batchResultsSchema = z.object({ id: z.string(), items: z.array(runResultSchema) });

export const batchViewSchema = z.object({
  id: z.string(),
  status: z.enum(["PENDING", "PROCESSING", "COMPLETED", "PARTIAL_FAILED", "ABORTED"]),
  idempotencyKey: z.string().optional(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  runCount: z.number().int(),
  runs: z.array(z.string()),
  processing: z.object({
    completedAt: z.iso.datetime().optional(),
    errors: z.array(batchErrorSchema),
  }),
});
