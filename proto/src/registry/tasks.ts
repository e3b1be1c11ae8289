/** Records of tasks, by which runs are triggered: what their definitions say. */
import { z } from "zod";
import { isolationSchema, presetSchema } from "../machines.ts";
import { boundedToken } from "../wire/tokens.ts";

/** Retry settings with v4's names: milliseconds. */
export const retrySettingsSchema = z.object({
  maxAttempts: z.number().int().positive().optional(),
  factor: z.number().positive().optional(),
  minTimeoutInMs: z.number().nonnegative().optional(),
  maxTimeoutInMs: z.number().nonnegative().optional(),
  randomize: z.boolean().optional(),
  /** A run that ran out of memory is tried once more, on this machine. */
  outOfMemory: z.object({ machine: presetSchema }).optional(),
});
export type RetrySettings = z.infer<typeof retrySettingsSchema>;

export const taskRecordSchema = z.object({
  id: z.string(),
  queue: z.string(),
  machine: presetSchema,
  isolation: isolationSchema,
  maxDurationSec: z.number().int().positive().optional(),
  ttlMs: z.number().int().positive().optional(),
  filePath: z.string(),
  exportName: z.string().optional(),
  /** `schedules.task`: its payload is a schedule's slot. */
  triggerSource: z.enum(["standard", "schedule"]).optional(),
  description: z.string().optional(),
  /** What the task's payload must be, as JSON Schema, where its schema can be told so. */
  payloadSchema: z.unknown().optional(),
});
export type TaskRecord = z.infer<typeof taskRecordSchema>;

export function taskKey(env: string, taskId: string): string {
  return `${env}.${boundedToken(taskId)}`;
}
