/** Records kept in the broker's buckets: tasks, queues, agents, keys. One zod schema each; keys are built here, too. */
import { z } from "zod";
import { runFilterSchema } from "./api/calls.ts";
import { LIMITS } from "./api/trigger.ts";
import { isolationSchema, presetSchema } from "./machines.ts";
import { timestamp } from "./events/values.ts";
import { boundedToken, decodeToken, encodeToken } from "./wire/tokens.ts";

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

/** At most `limit` starts in any period; of the whole queue, or of each concurrency key. */
export const rateLimitSchema = z.object({
  limit: z.number().int().positive(),
  periodMs: z.number().int().positive(),
  per: z.enum(["queue", "key"]),
});
export type RateLimit = z.infer<typeof rateLimitSchema>;

/**
 * `concurrencyLimit` is the declared one; null: no limit. `override` counts instead of it until it is reset. Those who
 * declare queues own `concurrencyLimit` and `rateLimit`; those who manage them own `override` and `paused`.
 */
export const queueRecordSchema = z.object({
  name: z.string(),
  type: z.enum(["task", "custom"]),
  concurrencyLimit: z.number().int().nonnegative().nullable(),
  rateLimit: rateLimitSchema.optional(),
  override: z
    .object({ concurrencyLimit: z.number().int().nonnegative(), at: timestamp })
    .optional(),
  paused: z.boolean().optional(),
});
export type QueueRecord = z.infer<typeof queueRecordSchema>;

/** How many runs of the queue (of each concurrency key) may execute at once; null: any number. */
export function limitOfQueue(queue: QueueRecord): number | null {
  if (queue.paused === true) return 0;
  return queue.override?.concurrencyLimit ?? queue.concurrencyLimit;
}

/** Whether the queue's runs must be granted a slot before they are dispatched. */
export function needsSlot(queue: QueueRecord): boolean {
  return limitOfQueue(queue) !== null || queue.rateLimit !== undefined;
}

/**
 * Who holds an idempotency key: the run, or the waitpoint, that answers for it. `queue`: where the run goes, which others
 * trigger if whoever claimed the key could not.
 */
export const idempotencyRecordSchema = z.object({
  id: z.string(),
  expiresAt: timestamp,
  queue: z.string().optional(),
});
export type IdempotencyRecord = z.infer<typeof idempotencyRecordSchema>;

/** The run that stands for a debounce key, and where it goes. */
export const debounceRecordSchema = z.object({
  runId: z.string(),
  createdAt: timestamp,
  queue: z.string(),
});
export type DebounceRecord = z.infer<typeof debounceRecordSchema>;

/**
 * A waitpoint token. Complete once `completedAt` is there, and unchanged from then on; timed out when it is not and
 * `timeoutAt` has passed.
 */
export const tokenRecordSchema = z.object({
  id: z.string(),
  createdAt: timestamp,
  timeoutAt: timestamp.optional(),
  tags: z.array(z.string()),
  idempotencyKey: z.string().optional(),
  idempotencyKeyExpiresAt: timestamp.optional(),
  completedAt: timestamp.optional(),
  output: z.string().optional(),
  outputType: z.string().optional(),
});
export type TokenRecord = z.infer<typeof tokenRecordSchema>;

/**
 * A cron schedule. Slots before `activeSince` do not count: they were before it was made, changed or activated. Its id
 * is a function of its task (declarative) or deduplication key (imperative), so that making it again changes it.
 */
export const scheduleRecordSchema = z.object({
  id: z.string(),
  type: z.enum(["DECLARATIVE", "IMPERATIVE"]),
  task: z.string(),
  active: z.boolean(),
  /** Five fields. */
  cron: z.string(),
  /** An IANA name. */
  timezone: z.string(),
  deduplicationKey: z.string().optional(),
  externalId: z.string().optional(),
  /** Spreads slots: a duration, or a percentage of the time to the next slot. */
  window: z.string().optional(),
  /** How many slots that were missed are made up for; default none. */
  catchUp: z.number().int().nonnegative().max(LIMITS.catchUp).optional(),
  /** Of a declarative one: which code declares it (see `AgentRecord.source`). */
  source: z.string().optional(),
  activeSince: timestamp,
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type ScheduleRecord = z.infer<typeof scheduleRecordSchema>;

/** A batch: which runs it made. `runIds` is null until all items are there. */
export const batchRecordSchema = z.object({
  id: z.string(),
  createdAt: timestamp,
  updatedAt: timestamp,
  runCount: z.number().int().positive(),
  runIds: z.array(z.string()).nullable(),
  errors: z.array(
    z.object({
      index: z.number().int(),
      taskIdentifier: z.string(),
      error: z.string(),
      errorCode: z.string().optional(),
    }),
  ),
  idempotencyKey: z.string().optional(),
  /** The run its items are triggered from. */
  parentRunId: z.string().optional(),
  /** While items are missing: the runs of those that came, by index; `""`: refused, see `errors`. */
  received: z.record(z.string(), z.string()).optional(),
});
export type BatchRecord = z.infer<typeof batchRecordSchema>;

/**
 * A bulk action. `place` is how far it is: of `runIds` the number that are done, of a filter the last run that was. The
 * runs it is about were made by `createdAt` and are in the log up to `maxSeq`: it never meets those it makes itself.
 */
export const bulkRecordSchema = z.object({
  id: z.string(),
  name: z.string().optional(),
  action: z.enum(["cancel", "replay"]),
  target: z.discriminatedUnion("by", [
    z.object({
      by: z.literal("filter"),
      filter: runFilterSchema,
      maxSeq: z.number().int().nonnegative(),
      place: z.object({ createdAt: timestamp, seq: z.number().int() }).optional(),
    }),
    z.object({
      by: z.literal("runs"),
      runIds: z.array(z.string()),
      place: z.number().int().nonnegative(),
    }),
  ]),
  targetRegion: z.string().optional(),
  status: z.enum(["PENDING", "COMPLETED", "ABORTED"]),
  counts: z.object({
    total: z.number().int().nonnegative(),
    success: z.number().int().nonnegative(),
    failure: z.number().int().nonnegative(),
  }),
  createdAt: timestamp,
  completedAt: timestamp.optional(),
});
export type BulkRecord = z.infer<typeof bulkRecordSchema>;

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
  /** The version of the tasks it serves, where it has one. */
  version: z.string().optional(),
  /** The code it serves: the project of its configuration, or the folder of its tasks, with its pool. */
  source: z.string().optional(),
  /** Ids of the schedules its tasks declare. */
  schedules: z.array(z.string()).optional(),
  draining: z.boolean(),
});
export type AgentRecord = z.infer<typeof agentRecordSchema>;

/**
 * An API key's record, kept under the key's SHA-256 in hex: by it a key is recognised. `sealed` is the key itself,
 * encrypted with the installation's master key: what public tokens are signed and verified with. A key without it opens
 * its environment all the same, and vouches for no token.
 */
export const keyRecordSchema = z.object({
  env: z.string(),
  createdAt: timestamp,
  /** For people: the beginning and the end of the key. */
  hint: z.string().optional(),
  sealed: z.string().optional(),
  /** From then on it opens nothing, and the tokens it signed are worth nothing. */
  validUntil: timestamp.optional(),
});
export type KeyRecord = z.infer<typeof keyRecordSchema>;

/** An environment variable of runs; `sealed`: its value, encrypted with the master key. */
export const envVarRecordSchema = z.object({
  name: z.string(),
  sealed: z.string(),
  /** Its value is not shown again. */
  isSecret: z.boolean(),
  updatedAt: timestamp,
});
export type EnvVarRecord = z.infer<typeof envVarRecordSchema>;

/**
 * What a one-time token was used for. `request`: the one request it was used by, null while it is to be used; `uses`
 * counts up. `answer` is what the request was answered with: whoever sends it again is told the same.
 */
export const usedTokenRecordSchema = z.object({
  request: z.string().nullable(),
  uses: z.number().int().nonnegative(),
  answer: z
    .object({ status: z.number().int(), body: z.string(), handleToken: z.string().optional() })
    .optional(),
});
export type UsedTokenRecord = z.infer<typeof usedTokenRecordSchema>;

export function envVarKey(env: string, name: string): string {
  return `${env}.${boundedToken(name)}`;
}

/** @param hash the token's SHA-256 in hex */
export function usedTokenKey(env: string, hash: string): string {
  return `${env}.${hash}`;
}

/** An agent's presence. */
export function agentKey(env: string, agentId: string): string {
  return `${env}.${agentId}`;
}

/** The agent a key of presence is about. */
export function agentOfKey(key: string): string {
  return key.slice(key.indexOf(".") + 1);
}

export function taskKey(env: string, taskId: string): string {
  return `${env}.${boundedToken(taskId)}`;
}

/** A queue's id, as v4's clients write it: its name can be read from it. */
export function queueId(queue: string): string {
  return `${QUEUE_ID}${encodeToken(queue)}`;
}

/** The queue an id names; undefined when it is no id. */
export function queueOfId(id: string): string | undefined {
  const isId = id.startsWith(QUEUE_ID) && id.length > QUEUE_ID.length;
  return isId ? decodeToken(id.slice(QUEUE_ID.length)) : undefined;
}

const QUEUE_ID = "queue_";

export function queueKey(env: string, queue: string): string {
  return `${env}.${boundedToken(queue)}`;
}

/** `kind` keeps the keys of runs (by task), of tokens, waits, batches and requests apart. */
export function idempotencyKeyOf(
  env: string,
  kind: { readonly taskId: string } | "token" | "wait" | "batch" | "request",
  key: string,
): string {
  const scope = typeof kind === "string" ? kind : `task.${boundedToken(kind.taskId)}`;
  return `${env}.${scope}.${boundedToken(key)}`;
}

export function debounceKeyOf(env: string, taskId: string, key: string): string {
  return `${env}.${boundedToken(taskId)}.${boundedToken(key)}`;
}

export function tokenKey(env: string, tokenId: string): string {
  return `${env}.${boundedToken(tokenId)}`;
}

export function scheduleKey(env: string, scheduleId: string): string {
  return `${env}.${boundedToken(scheduleId)}`;
}

export function batchKey(env: string, batchId: string): string {
  return `${env}.${boundedToken(batchId)}`;
}

export function bulkKey(env: string, bulkId: string): string {
  return `${env}.${boundedToken(bulkId)}`;
}

/** The pool of the agents that serve one version of the tasks: what a run that is locked to it is dispatched to. */
export function poolOf(pool: string, version: string | undefined): string {
  return version === undefined ? pool : `${pool}@${version}`;
}

/** The queue a task has to itself when it names none. */
export function ownQueue(taskId: string): string {
  return `task/${taskId}`;
}

/** The key of a shard's lease, and of a coordinator's presence beside it. */
export const LEASE_KEYS = {
  shard: (shard: number): string => `shard.${shard.toString(16)}`,
  coordinator: (id: string): string => `coordinator.${id}`,
  scheduler: (id: string): string => `scheduler.${id}`,
  bulkAction: (id: string): string => `bulk.${id}`,
} as const;

/** What the installation was set up with; see `BUCKETS.config`. */
export const CONFIG_KEYS = {
  schema: "schema",
  /** What the gateways' URLs without a key are signed with. */
  signingKey: "signing-key",
  /** What secrets are encrypted with where nobody configured a master key. */
  masterKey: "master-key",
} as const;

/** Raised when streams, buckets or events change incompatibly; an older service refuses a newer broker. */
export const SCHEMA_VERSION = 1;
