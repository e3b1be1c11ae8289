/** Requests about one run, and what they are answered with. */
import { z } from "zod";
import { metadataOperationSchema, runErrorSchema } from "../events/values.ts";

const operations = z.array(metadataOperationSchema).optional();

/** `POST /api/v1/runs/:id/replay`, optional: what takes the place of the run's own. */
export const replayBodySchema = z.strictObject({
  payload: z.unknown().optional(),
  payloadType: z.string().optional(),
  region: z.string().optional(),
});

/** `POST /api/v1/runs/:id/reschedule` */
export const rescheduleBodySchema = z.object({ delay: z.string() });

/** `POST /api/v1/runs/:id/tags` */
export const addTagsBodySchema = z.object({ tags: z.union([z.string(), z.array(z.string())]) });

/** `PUT /api/v1/runs/:id/metadata`: `metadata` replaces the whole, then the operations apply. */
export const updateMetadataBodySchema = z.object({
  metadata: z.record(z.string(), z.unknown()).optional(),
  metadataType: z.string().optional(),
  operations,
  parentOperations: operations,
  rootOperations: operations,
});

/** `POST /api/v1/idempotencyKeys/:key/reset` */
export const resetKeyBodySchema = z.object({ taskIdentifier: z.string().min(1) });

export const metadataAnswerSchema = z.object({
  metadata: z.record(z.string(), z.unknown()),
  metadataType: z.string().optional(),
});

/** `POST /api/v1/runs/:id/replay` and others that name the run they made or changed. */
export const runIdAnswerSchema = z.object({ id: z.string() });

/** `POST /api/v1/runs/:id/tags`: all tags the run has now. */
export const addedTagsSchema = z.object({ message: z.string(), tags: z.array(z.string()) });

export const triggeredSchema = z.object({ id: z.string(), isCached: z.boolean() });

/** v4's `TaskRunExecutionResult`. */
export const runResultSchema = z.discriminatedUnion("ok", [
  z.object({
    ok: z.literal(true),
    id: z.string(),
    taskIdentifier: z.string(),
    output: z.string().optional(),
    outputType: z.string(),
    usage: z.object({ durationMs: z.number() }),
  }),
  z.object({
    ok: z.literal(false),
    id: z.string(),
    taskIdentifier: z.string(),
    error: runErrorSchema,
    usage: z.object({ durationMs: z.number() }),
  }),
]);
export type RunResult = z.infer<typeof runResultSchema>;
