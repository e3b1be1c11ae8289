/** All operations, in the order the document shows them. */
import { AUTH_OPERATIONS } from "./auth.ts";
import { BATCH_OPERATIONS } from "./batches.ts";
import { BULK_OPERATIONS } from "./bulk.ts";
import { DEBUGGING_OPERATIONS } from "./debugging.ts";
import { DOCUMENTATION_OPERATIONS } from "./documentation.ts";
import { ENVIRONMENT_OPERATIONS } from "./environment.ts";
import type { Operation } from "./operation.ts";
import { PACKET_OPERATIONS } from "./packets.ts";
import { QUEUE_OPERATIONS } from "./queues.ts";
import { REALTIME_OPERATIONS } from "./realtime.ts";
import { RUN_OPERATIONS } from "./runs.ts";
import { SCHEDULE_OPERATIONS } from "./schedules.ts";
import { STREAM_OPERATIONS } from "./streams.ts";
import { TRIGGER_OPERATIONS } from "./trigger.ts";
import { WAITPOINT_OPERATIONS } from "./waitpoints.ts";

export const OPERATIONS: readonly Operation[] = [
  ...TRIGGER_OPERATIONS,
  ...BATCH_OPERATIONS,
  ...RUN_OPERATIONS,
  ...DEBUGGING_OPERATIONS,
  ...BULK_OPERATIONS,
  ...WAITPOINT_OPERATIONS,
  ...QUEUE_OPERATIONS,
  ...SCHEDULE_OPERATIONS,
  ...STREAM_OPERATIONS,
  ...REALTIME_OPERATIONS,
  ...PACKET_OPERATIONS,
  ...ENVIRONMENT_OPERATIONS,
  ...AUTH_OPERATIONS,
  ...DOCUMENTATION_OPERATIONS,
];
