import { z } from "zod";
import { timestamp } from "../events/values.ts";
import { boundedToken } from "../wire/tokens.ts";

/** An item that could not be triggered. */
export const batchErrorSchema = z.object({
  index: z.number().int(),
  taskIdentifier: z.string(),
  error: z.string(),
  errorCode: z.string().optional(),
});

/** A batch: which runs it made. `runIds` is null until all items are there. */
export const batchRecordSchema = z.object({
  id: z.string(),
  createdAt: timestamp,
  updatedAt: timestamp,
  runCount: z.number().int().positive(),
  runIds: z.array(z.string()).nullable(),
  errors: z.array(batchErrorSchema),
  idempotencyKey: z.string().optional(),
  /** The run its items are triggered from. */
  parentRunId: z.string().optional(),
  /** While items are missing: the runs of those that came, by index; `""`: refused, see `errors`. */
  received: z.record(z.string(), z.string()).optional(),
});
export type BatchRecord = z.infer<typeof batchRecordSchema>;

export function batchKey(env: string, batchId: string): string {
  return `${env}.${boundedToken(batchId)}`;
}
