/** Runs as they are shown: in lists, to their relatives, and by themselves. v4's fields. */
import { z } from "zod";
import { PUBLIC_STATUSES } from "./calls.ts";
import { cursorPageQuerySchema, cursorPaginationSchema } from "./pages.ts";
import { scheduleViewSchema } from "./schedules.ts";

const list = z.string().optional();
const time = z
  .string()
  .optional()
  .describe("Epoch milliseconds, or a date in ISO 8601: runs made since (until) then.");

/** `GET /api/v1/runs`. Several values of a filter are separated by commas; any one of them is enough. */
export const runListQuerySchema = cursorPageQuerySchema.extend({
  "filter[status]": list.describe(`Of ${PUBLIC_STATUSES.join(", ")}.`),
  "filter[taskIdentifier]": list,
  "filter[version]": list,
  "filter[tag]": list,
  "filter[queue]": list.describe("Names, or `task/<task id>` for a task's own."),
  "filter[machine]": list,
  "filter[region]": list,
  "filter[bulkAction]": z.string().optional(),
  "filter[batch]": z.string().optional(),
  "filter[schedule]": z.string().optional(),
  "filter[isTest]": z.enum(["true", "false", "1", "0"]).optional(),
  "filter[createdAt][from]": time,
  "filter[createdAt][to]": time,
  "filter[createdAt][period]": z.string().optional().describe("A duration back, such as `7d`."),
});
export type RunFilterName = Extract<keyof z.infer<typeof runListQuerySchema>, `filter${string}`>;

const related = z.object({ id: z.string() });

export const runItemSchema = z.object({
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
  isReplay: z.boolean().optional(),
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
  depth: z.number().int().nonnegative(),
  triggerFunction: z.enum(["trigger", "batchTrigger", "triggerAndWait", "batchTriggerAndWait"]),
  batchId: z.string().optional(),
  error: z
    .object({
      message: z.string(),
      name: z.string().optional(),
      stackTrace: z.string().optional(),
    })
    .optional(),
  relatedRuns: z.object({ root: related.optional(), parent: related.optional() }),
  attemptCount: z.number().int().nonnegative(),
});

/** `env` is the key's: v4's clients expect to be told. */
export const listedRunSchema = runItemSchema.extend({
  env: z.object({ id: z.string(), name: z.string() }),
});

export const runListSchema = z.object({
  data: z.array(listedRunSchema),
  pagination: cursorPaginationSchema,
});

/** What a value is written in: `application/json`, `application/super+json`, `text/plain`, `application/store`. */
const valueType = z.string();

/** A run by itself. Where a large payload or output is stored is `payloadPath`, `outputPath`. */
export const runViewSchema = runItemSchema.extend({
  payload: z.unknown().optional(),
  payloadType: valueType.optional(),
  payloadPath: z.string().optional(),
  output: z.unknown().optional(),
  outputType: valueType.optional(),
  outputPath: z.string().optional(),
  /** Always empty: the log tells about attempts. */
  attempts: z.array(z.unknown()),
});

/** `GET /api/v3/runs/:id`. A large payload or output is a URL under which it can be had for a while. */
export const retrievedRunSchema = runViewSchema
  .omit({ payloadPath: true, outputPath: true })
  .extend({
    payloadPresignedUrl: z.url().optional(),
    outputPresignedUrl: z.url().optional(),
    /** The schedule whose slot it is; without more than its id when the schedule is gone. */
    schedule: scheduleViewSchema
      .pick({ id: true, externalId: true, deduplicationKey: true, generator: true })
      .partial({ generator: true })
      .optional(),
    relatedRuns: z.object({
      root: runItemSchema.optional(),
      parent: runItemSchema.optional(),
      children: z.array(runItemSchema).optional(),
    }),
  });
