/** Requests about one run, and what they are answered with. */
import { z } from "zod";
import { scheduleViewSchema } from "./schedules.ts";
import { metadataOperationSchema, runErrorSchema } from "../events/values.ts";
import { PUBLIC_STATUSES } from "./calls.ts";

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

/** What v4's clients expect of any run they are shown. */
const shownRun = z.object({
  id: z.string(),
  status: z.enum(PUBLIC_STATUSES),
  taskIdentifier: z.string(),
  idempotencyKey: z.string().optional(),
  version: z.string().optional(),
  isQueued: z.boolean(),
  isExecuting: z.boolean(),
  isWaiting: z.boolean(),
  isCompleted: z.boolean(),
  isSuccess: z.boolean(),
  isFailed: z.boolean(),
  isCancelled: z.boolean(),
  isTest: z.boolean(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  startedAt: z.iso.datetime().optional(),
  finishedAt: z.iso.datetime().optional(),
  delayedUntil: z.iso.datetime().optional(),
  expiredAt: z.iso.datetime().optional(),
  ttl: z.string().optional(),
  tags: z.array(z.string()),
  costInCents: z.number(),
  baseCostInCents: z.number(),
  durationMs: z.number(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  region: z.string().optional(),
  depth: z.number(),
  triggerFunction: z.enum(["trigger", "batchTrigger", "triggerAndWait", "batchTriggerAndWait"]),
  batchId: z.string().optional(),
});

/** `GET /api/v3/runs/:id`. A large payload or output is a URL under which it can be had for a while. */
export const retrievedRunSchema = shownRun.extend({
  payload: z.unknown().optional(),
  payloadPresignedUrl: z.url().optional(),
  output: z.unknown().optional(),
  outputPresignedUrl: z.url().optional(),
  error: z
    .object({
      message: z.string(),
      name: z.string().optional(),
      stackTrace: z.string().optional(),
    })
    .optional(),
  /** The schedule whose slot it is; without more than its id when the schedule is gone. */
  schedule: scheduleViewSchema
    .pick({ id: true, externalId: true, deduplicationKey: true, generator: true })
    .partial({ generator: true })
    .optional(),
  relatedRuns: z.object({
    root: shownRun.optional(),
    parent: shownRun.optional(),
    children: z.array(shownRun).optional(),
  }),
  attempts: z.array(z.unknown()),
  attemptCount: z.number().int().nonnegative(),
});
