/**
 * Everything that can be asked of the platform besides triggering, reading and following a run: one name, one input
 * schema and one output type a call. Over NATS and inside a run `PlatformCalls` (`@millrace/nats`) answers them; over HTTP
 * each has a route of v4's protocol. Those marked so in `GATEWAY_CALLS` need the gateway's projection.
 */
import { z } from "zod";
import { metadataOperationSchema, packetSchema, timestamp } from "../events/values.ts";
import type { JsonObject } from "../run/state.ts";
import type { PublicStatus, RunView } from "../run/view.ts";
import type { EnvironmentType } from "../environments.ts";
import { createPublicTokenBodySchema } from "./auth.ts";
import type { RunExplanation } from "./explain.ts";
import { LIMITS } from "./trigger.ts";

const runId = z.string();
const queueReference = z.object({
  type: z.enum(["id", "task", "custom"]),
  name: z.string().min(1),
});
const operations = z.array(metadataOperationSchema);
const tags = z.array(z.string());
const page = z.number().int().positive();
/** What a schedule is made of; a later call with all of it replaces all of it. */
const schedule = {
  /** A task that was defined with `schedules.task`. */
  task: z.string().min(1).max(LIMITS.taskIdLength),
  /** Five fields. */
  cron: z.string(),
  externalId: z.string().max(LIMITS.externalIdLength).optional(),
  /** An IANA name; default UTC. */
  timezone: z.string().optional(),
  /** Spreads slots over a duration of at most `24h`, or `1%` to `100%` of the time to the next slot. */
  window: z.string().optional(),
  /** How many of the slots that were missed are made up for; default none. */
  catchUp: z.number().int().nonnegative().max(LIMITS.catchUp).optional(),
};

/** v4's filter of a list of runs; every field narrows it, several values of a field widen it. */
export const runFilterSchema = z.object({
  status: z.array(z.string()).optional(),
  taskIdentifier: z.array(z.string()).optional(),
  version: z.array(z.string()).optional(),
  tag: z.array(z.string()).optional(),
  queue: z.array(queueReference).optional(),
  machine: z.array(z.string()).optional(),
  region: z.array(z.string()).optional(),
  bulkAction: z.string().optional(),
  batch: z.string().optional(),
  schedule: z.string().optional(),
  isTest: z.boolean().optional(),
  /** Epoch milliseconds. */
  from: timestamp.optional(),
  to: timestamp.optional(),
  /** A duration back from now, instead of `from`. */
  period: z.string().optional(),
});
export type RunFilter = z.infer<typeof runFilterSchema>;

const cursors = {
  /** 1 to 100; default 25. */
  limit: z.number().int().min(1).max(100).optional(),
  after: z.string().optional(),
  before: z.string().optional(),
};

export const CALLS = {
  "runs.list": z.object({ filter: runFilterSchema, ...cursors }),
  /** The run's place, and what stands between it and running. */
  "runs.explain": z.object({ runId }),
  "runs.replay": z.object({
    runId,
    payload: packetSchema.optional(),
    region: z.string().optional(),
  }),
  /** `delay` as the trigger option. */
  "runs.reschedule": z.object({ runId, delay: z.string() }),
  "runs.addTags": z.object({ runId, tags }),
  "bulk.create": z.object({
    action: z.enum(["cancel", "replay"]),
    filter: runFilterSchema.optional(),
    runIds: z.array(runId).min(1).optional(),
    name: z.string().max(255).optional(),
    targetRegion: z.string().optional(),
  }),
  "bulk.retrieve": z.object({ id: z.string() }),
  "bulk.list": z.object(cursors),
  "bulk.abort": z.object({ id: z.string() }),
  /** A token for browsers; `expirationTime` is a duration, default 15 minutes. */
  "auth.createPublicToken": createPublicTokenBodySchema,
  "metadata.retrieve": z.object({ runId }),
  /** Operations on the run's own metadata, its parent's and its root's. */
  "metadata.update": z.object({
    runId,
    operations: operations.optional(),
    parentOperations: operations.optional(),
    rootOperations: operations.optional(),
  }),
  "idempotencyKeys.reset": z.object({ taskId: z.string(), key: z.string() }),
  "tokens.create": z.object({
    idempotencyKey: z.string().min(1).max(LIMITS.idempotencyKeyLength).optional(),
    idempotencyKeyTTL: z.string().optional(),
    /** A duration, or a date in ISO 8601. */
    timeout: z.string().optional(),
    tags: tags.optional(),
  }),
  /** `id` is a token's, or the idempotency key it was made with. */
  "tokens.retrieve": z.object({ id: z.string() }),
  "tokens.complete": z.object({ id: z.string(), data: packetSchema }),
  "tokens.list": z.object({
    status: z.array(z.enum(["WAITING", "COMPLETED", "TIMED_OUT"])).optional(),
    idempotencyKey: z.string().optional(),
    tags: tags.optional(),
    from: timestamp.optional(),
    to: timestamp.optional(),
    period: z.string().optional(),
    ...cursors,
  }),
  /** The time this key stands for: the one it was first asked with. */
  "waits.until": z.object({
    key: z.string().min(1).max(LIMITS.idempotencyKeyLength),
    ttl: z.string().optional(),
    until: timestamp,
  }),
  "queues.list": z.object({ page: page.optional(), perPage: page.max(100).optional() }),
  "queues.retrieve": z.object({ queue: queueReference }),
  "queues.pause": z.object({ queue: queueReference, action: z.enum(["pause", "resume"]) }),
  "queues.override": z.object({
    queue: queueReference,
    concurrencyLimit: z.number().int().min(0).max(LIMITS.queueLimit),
  }),
  "queues.reset": z.object({ queue: queueReference }),
  /** With a deduplication key that is taken already, the schedule it stands for is changed. */
  "schedules.create": z.object({
    ...schedule,
    deduplicationKey: z.string().min(1).max(LIMITS.deduplicationKeyLength),
  }),
  "schedules.retrieve": z.object({ id: z.string() }),
  "schedules.update": z.object({ id: z.string(), ...schedule }),
  "schedules.delete": z.object({ id: z.string() }),
  "schedules.activate": z.object({ id: z.string() }),
  "schedules.deactivate": z.object({ id: z.string() }),
  "schedules.list": z.object({ page: page.optional(), perPage: page.max(100).optional() }),
  "schedules.timezones": z.object({ excludeUtc: z.boolean().optional() }),
  "batches.retrieve": z.object({ id: z.string() }),
  /** Chunks are JSON texts, in order; `end` closes the stream for its readers. */
  "streams.append": z.object({
    runId,
    key: z.string().min(1).max(LIMITS.streamKeyLength),
    chunks: z.array(z.string()),
    end: z.boolean().optional(),
  }),
  /** Stores a payload or an output of over `LIMITS.inlineBytes`; the answer is where. */
  "packets.store": z.object({ data: z.string(), type: z.string() }),
  "packets.load": z.object({ path: z.string() }),
} as const satisfies Record<string, z.ZodType>;

export type CallName = keyof typeof CALLS;
export type CallInput<C extends CallName> = z.infer<(typeof CALLS)[C]>;

export const GATEWAY_CALLS: ReadonlySet<CallName> = new Set<CallName>([
  "runs.list",
  "runs.explain",
  "bulk.create",
  "bulk.retrieve",
  "bulk.list",
  "bulk.abort",
  "auth.createPublicToken",
]);

/** A run in a list: without payload and output. */
export type RunItem = Omit<
  RunView,
  "payload" | "output" | "payloadPath" | "outputPath" | "attempts"
>;

export type Page<T> = {
  readonly data: readonly T[];
  readonly pagination: { readonly next?: string; readonly previous?: string };
};

export type NumberedPage<T> = {
  readonly data: readonly T[];
  readonly pagination: {
    readonly currentPage: number;
    readonly totalPages: number;
    readonly count: number;
  };
};

export type BulkAction = {
  readonly id: string;
  readonly name?: string;
  readonly type: "CANCEL" | "REPLAY";
  readonly status: "PENDING" | "COMPLETED" | "ABORTED";
  readonly counts: { readonly total: number; readonly success: number; readonly failure: number };
  /** ISO 8601. */
  readonly createdAt: string;
  readonly completedAt?: string;
};

export type TokenView = {
  readonly id: string;
  readonly status: "WAITING" | "COMPLETED" | "TIMED_OUT";
  readonly createdAt: string;
  readonly completedAt?: string;
  readonly timeoutAt?: string;
  readonly idempotencyKey?: string;
  readonly idempotencyKeyExpiresAt?: string;
  readonly tags: readonly string[];
  readonly output?: string;
  readonly outputType?: string;
  readonly outputIsError?: boolean;
  /** Where anyone may complete it, without a key; only from the gateway. */
  readonly url?: string;
};

export type QueueView = {
  readonly id: string;
  readonly name: string;
  readonly type: "task" | "custom";
  readonly running: number;
  readonly queued: number;
  readonly paused: boolean;
  readonly concurrencyLimit: number | null;
  readonly concurrency: {
    readonly current: number | null;
    readonly base: number | null;
    readonly override: number | null;
    readonly overriddenAt: string | null;
    readonly overriddenBy: string | null;
  };
};

export type ScheduleView = {
  readonly id: string;
  readonly type: "DECLARATIVE" | "IMPERATIVE";
  readonly task: string;
  readonly active: boolean;
  readonly deduplicationKey?: string;
  readonly externalId?: string;
  readonly generator: {
    readonly type: "CRON";
    readonly expression: string;
    /** In English. */
    readonly description: string;
  };
  readonly timezone: string;
  readonly window?: string;
  readonly catchUp?: number;
  /** The next slot, ISO 8601; while it is active. */
  readonly nextRun?: string;
  /** The same with what the window adds. */
  readonly nextRunEffectiveAt?: string;
  readonly environments: readonly { readonly id: string; readonly type: EnvironmentType }[];
};

export type BatchView = {
  readonly id: string;
  readonly status: "PENDING" | "PROCESSING" | "COMPLETED" | "PARTIAL_FAILED" | "ABORTED";
  readonly idempotencyKey?: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly runCount: number;
  readonly runs: readonly string[];
  readonly processing: {
    readonly completedAt?: string;
    readonly errors: readonly {
      readonly index: number;
      readonly taskIdentifier: string;
      readonly error: string;
      readonly errorCode?: string;
    }[];
  };
};

export type CallOutputs = {
  "runs.list": Page<RunItem>;
  "runs.explain": RunExplanation;
  "runs.replay": { readonly id: string };
  "runs.reschedule": RunView;
  "runs.addTags": { readonly tags: readonly string[] };
  "bulk.create": { readonly id: string };
  "bulk.retrieve": BulkAction;
  "bulk.list": Page<BulkAction>;
  "bulk.abort": BulkAction;
  "auth.createPublicToken": { readonly token: string };
  "metadata.retrieve": { readonly metadata: JsonObject };
  "metadata.update": { readonly metadata: JsonObject };
  "idempotencyKeys.reset": { readonly id: string };
  "tokens.create": {
    readonly id: string;
    readonly isCached: boolean;
    readonly url?: string;
    readonly publicAccessToken?: string;
  };
  "tokens.retrieve": TokenView;
  "tokens.complete": { readonly success: true };
  "tokens.list": Page<TokenView>;
  "waits.until": { readonly until: number };
  "queues.list": NumberedPage<QueueView>;
  "queues.retrieve": QueueView;
  "queues.pause": QueueView;
  "queues.override": QueueView;
  "queues.reset": QueueView;
  "schedules.create": ScheduleView;
  "schedules.retrieve": ScheduleView;
  "schedules.update": ScheduleView;
  "schedules.delete": { readonly id: string };
  "schedules.activate": ScheduleView;
  "schedules.deactivate": ScheduleView;
  "schedules.list": NumberedPage<ScheduleView>;
  "schedules.timezones": { readonly timezones: readonly string[] };
  "batches.retrieve": BatchView;
  "streams.append": { readonly ok: true };
  "packets.store": { readonly path: string };
  "packets.load": { readonly data: string; readonly type: string };
};
export type CallOutput<C extends CallName> = CallOutputs[C];

/** Statuses a filter may name. */
export const PUBLIC_STATUSES = [
  "PENDING_VERSION",
  "DELAYED",
  "QUEUED",
  "DEQUEUED",
  "EXECUTING",
  "WAITING",
  "COMPLETED",
  "CANCELED",
  "FAILED",
  "CRASHED",
  "SYSTEM_FAILURE",
  "EXPIRED",
  "TIMED_OUT",
] as const satisfies readonly (PublicStatus | "PENDING_VERSION" | "DEQUEUED")[];
