/** Records kept in the broker's buckets: tasks, queues, agents, keys. One zod schema each; keys are built here, too. */
import { z } from "zod";
import { isolationSchema, presetSchema } from "./machines.ts";
import { timestamp } from "./events/values.ts";
import { encodeToken } from "./wire/tokens.ts";

/** Retry settings with v4's names: milliseconds. */
export const retrySettingsSchema = z.object({
  maxAttempts: z.number().int().positive().optional(),
  factor: z.number().positive().optional(),
  minTimeoutInMs: z.number().nonnegative().optional(),
  maxTimeoutInMs: z.number().nonnegative().optional(),
  randomize: z.boolean().optional(),
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
});
export type TaskRecord = z.infer<typeof taskRecordSchema>;

/** `concurrencyLimit` null: no limit. */
export const queueRecordSchema = z.object({
  name: z.string(),
  type: z.enum(["task", "custom"]),
  concurrencyLimit: z.number().int().nonnegative().nullable(),
});
export type QueueRecord = z.infer<typeof queueRecordSchema>;

/** An agent's presence. `capacity`: how many runs of each lane it could hold at once if it held nothing else. */
export const agentRecordSchema = z.object({
  id: z.string(),
  env: z.string(),
  pool: z.string(),
  host: z.string(),
  pid: z.number().int(),
  startedAt: timestamp,
  presets: z.array(presetSchema),
  cpus: z.number().positive(),
  memoryGb: z.number().positive(),
  capacity: z.record(z.string(), z.number().int().nonnegative()),
  draining: z.boolean(),
});
export type AgentRecord = z.infer<typeof agentRecordSchema>;

/** An API key's record, kept under the key's SHA-256 in hex: the key itself is stored nowhere. */
export const keyRecordSchema = z.object({ env: z.string(), createdAt: timestamp });
export type KeyRecord = z.infer<typeof keyRecordSchema>;

export function taskKey(env: string, taskId: string): string {
  return `${env}.${encodeToken(taskId)}`;
}

export function queueKey(env: string, queue: string): string {
  return `${env}.${encodeToken(queue)}`;
}

/** The queue a task has to itself when it names none. */
export function ownQueue(taskId: string): string {
  return `task/${taskId}`;
}

/** The key of a shard's lease, and of a coordinator's presence beside it. */
export const LEASE_KEYS = {
  shard: (shard: number): string => `shard.${shard.toString(16)}`,
  coordinator: (id: string): string => `coordinator.${id}`,
  scheduler: "scheduler",
} as const;

/** What the installation was set up with; see `BUCKETS.config`. */
export const CONFIG_KEYS = { schema: "schema" } as const;

/** Raised when streams, buckets or events change incompatibly; an older service refuses a newer broker. */
export const SCHEMA_VERSION = 1;
