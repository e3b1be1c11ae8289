/** The schemas that clients know by a name. Names never change. */
import type { z } from "zod";
import { createPublicTokenBodySchema } from "../auth.ts";
import {
  batchItemSchema,
  batchViewSchema,
  createBatchBodySchema,
  createdBatchSchema,
} from "../batches.ts";
import { bulkActionSchema, createBulkActionBodySchema } from "../bulk.ts";
import { deploymentSchema } from "../deployments.ts";
import { envVarSchema } from "../envvars.ts";
import { explanationSchema, reasonSchema } from "../explanation-schema.ts";
import { liveRequestSchema } from "../live.ts";
import { cursorPaginationSchema, numberedPaginationSchema } from "../pages.ts";
import { queueViewSchema } from "../queues.ts";
import { realtimeMessagesSchema } from "../realtime-messages.ts";
import { forbiddenSchema, rateLimitedSchema, refusalSchema } from "../refusals.ts";
import { runResultSchema } from "../run-requests.ts";
import { listedRunSchema, retrievedRunSchema, runItemSchema, runViewSchema } from "../run-views.ts";
import { createScheduleBodySchema, scheduleViewSchema } from "../schedules.ts";
import { spanSchema } from "../trace.ts";
import { triggerBodySchema, triggerOptionsSchema } from "../trigger.ts";
import { tokenItemSchema, tokenViewSchema } from "../waitpoints.ts";
import { metadataOperationSchema, runErrorSchema } from "../../events/values.ts";

export const COMPONENTS: Readonly<Record<string, z.ZodType>> = {
  BatchItem: batchItemSchema,
  Batch: batchViewSchema,
  BulkAction: bulkActionSchema,
  CreateBatch: createBatchBodySchema,
  CreateBulkAction: createBulkActionBodySchema,
  CreatePublicToken: createPublicTokenBodySchema,
  CreateSchedule: createScheduleBodySchema,
  CreatedBatch: createdBatchSchema,
  CursorPagination: cursorPaginationSchema,
  Deployment: deploymentSchema,
  EnvVar: envVarSchema,
  Explanation: explanationSchema,
  Forbidden: forbiddenSchema,
  ListedRun: listedRunSchema,
  LiveRequest: liveRequestSchema,
  MetadataOperation: metadataOperationSchema,
  NumberedPagination: numberedPaginationSchema,
  Queue: queueViewSchema,
  RateLimited: rateLimitedSchema,
  RealtimeMessages: realtimeMessagesSchema,
  Reason: reasonSchema,
  Refusal: refusalSchema,
  RelatedRun: runItemSchema,
  Run: retrievedRunSchema,
  RunError: runErrorSchema,
  RunResult: runResultSchema,
  RunView: runViewSchema,
  Schedule: scheduleViewSchema,
  Span: spanSchema,
  Token: tokenViewSchema,
  TokenItem: tokenItemSchema,
  Trigger: triggerBodySchema,
  TriggerOptions: triggerOptionsSchema,
};
