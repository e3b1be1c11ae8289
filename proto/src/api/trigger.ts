/** `POST /api/v1/tasks/:id/trigger`: the body, and the rule that turns it into a run's first event or refuses it. */
import { z } from "zod";
import { refuse, type Refusal } from "../errors.ts";
import type { EventData } from "../events/events.ts";
import type { Packet } from "../events/values.ts";
import { PRESETS, presetSchema, type Preset } from "../machines.ts";
import type { QueueRecord, TaskRecord } from "../registry.ts";
import { makeRunId, shardOfQueue } from "../wire/ids.ts";
import { MAX_DURATION_MS, parseDuration, parseMoment } from "./durations.ts";

/** v4's limits. Bytes are counted as the characters' UTF-8 length where it matters: at the gateway's door. */
export const LIMITS = {
  bodyBytes: 3 * 1024 * 1024,
  tags: 10,
  tagLength: 128,
  taskIdLength: 128,
  queueLength: 128,
  metadataLength: 256 * 1024,
  batchItems: 1000,
} as const;

const stringOrList = z.union([z.string(), z.array(z.string())]);

/** Older clients send `{ preset }`. */
const machineOption = z.union([z.string(), z.object({ preset: z.string() })]);

export const triggerOptionsSchema = z.object({
  queue: z.object({ name: z.string().min(1).max(LIMITS.queueLength) }).optional(),
  delay: z.union([z.string(), z.date()]).optional(),
  ttl: z.union([z.string(), z.number().int().nonnegative()]).optional(),
  priority: z.number().optional(),
  tags: stringOrList.optional(),
  metadata: z.unknown().optional(),
  metadataType: z.string().optional(),
  payloadType: z.string().optional(),
  machine: machineOption.optional(),
  maxAttempts: z.number().int().positive().optional(),
  maxDuration: z.number().int().optional(),
  region: z.string().min(1).max(64).optional(),
  test: z.boolean().optional(),
  parentRunId: z.string().optional(),
  /** The batch this trigger is part of, named by whoever makes the batch. */
  parentBatch: z.string().min(1).max(64).optional(),
  resumeParentOnCompletion: z.boolean().optional(),
  idempotencyKey: z.string().optional(),
  concurrencyKey: z.union([z.string(), z.number()]).optional(),
  debounce: z.unknown().optional(),
});
export type TriggerOptions = z.infer<typeof triggerOptionsSchema>;

export const triggerBodySchema = z.object({
  payload: z.unknown().optional(),
  context: z.unknown().optional(),
  options: triggerOptionsSchema.optional(),
});
export type TriggerBody = z.infer<typeof triggerBodySchema>;

/** What the caller knows besides the request. */
export type TriggerContext = {
  readonly env: string;
  readonly task: TaskRecord | undefined;
  /** The queue's record, looked up by `queueOfTrigger`. */
  readonly queue: QueueRecord | undefined;
  readonly nowMs: number;
  /** `RUN_ID_RANDOM_BYTES` random bytes, or a run id made earlier. */
  readonly identity: Uint8Array | { readonly runId: string };
  readonly lineage?: Lineage;
};

/** A child's place in its family, known to the agent that triggers it. */
export type Lineage = {
  readonly parent: NonNullable<EventData<"run-triggered">["parent"]>;
  readonly rootRunId: string;
  readonly depth: number;
  readonly orderAt?: number;
  readonly batchId?: string;
};

export type Accepted = {
  readonly ok: true;
  readonly runId: string;
  readonly data: EventData<"run-triggered">;
};

/** The queue a trigger goes to: the option's, else the task's. */
export function queueOfTrigger(task: TaskRecord, body: TriggerBody): string {
  return body.options?.queue?.name ?? task.queue;
}

/** Options of the protocol that this version refuses instead of ignoring. */
const UNSUPPORTED = ["idempotencyKey", "concurrencyKey", "debounce"] as const;

/** Decides about a trigger: the run's first event, or why not. Changes nothing. */
export function acceptTrigger(
  taskId: string,
  body: TriggerBody,
  context: TriggerContext,
): Accepted | Refusal {
  const { env, task, queue, nowMs } = context;
  if (!task)
    return refuse(
      "TASK_NOT_FOUND",
      `Task "${taskId}" is not registered in "${env}": no agent serves it. Check the id, and that an agent with this task is running`,
    );
  const options = body.options ?? {};
  const queueName = queueOfTrigger(task, body);
  if (!queue)
    return refuse(
      "QUEUE_NOT_FOUND",
      `Queue "${queueName}" does not exist: declare it with queue({ name }) in a task file`,
    );
  for (const name of UNSUPPORTED)
    if (options[name] !== undefined)
      return refuse("UNSUPPORTED_OPTION", `Option "${name}" is not supported by this version`);
  const read = readOptions(options, task, nowMs);
  if (!read.ok) return read;
  const runId =
    "runId" in context.identity
      ? context.identity.runId
      : makeRunId(shardOfQueue(env, queueName), nowMs, context.identity);
  const { lineage } = context;
  return {
    ok: true,
    runId,
    data: {
      at: nowMs,
      env,
      taskId,
      queue: queueName,
      payload: payloadPacket(body.payload, options.payloadType),
      isolation: task.isolation,
      pool: options.region ?? "default",
      isTest: options.test ?? false,
      depth: lineage?.depth ?? 0,
      ...read.data,
      ...(options.parentBatch === undefined ? {} : { batchId: options.parentBatch }),
      ...(lineage ? lineageFields(lineage) : {}),
    },
  };
}

type ReadOptions = Pick<
  EventData<"run-triggered">,
  | "metadata"
  | "tags"
  | "machine"
  | "priorityMs"
  | "delayUntil"
  | "ttlMs"
  | "maxAttempts"
  | "maxDurationSec"
>;

function readOptions(
  options: TriggerOptions,
  task: TaskRecord,
  nowMs: number,
): { readonly ok: true; readonly data: ReadOptions } | Refusal {
  const tags = readTags(options.tags);
  if (!Array.isArray(tags)) return tags;
  const machine = readMachine(options.machine, task.machine);
  if (typeof machine !== "string") return machine;
  const delayUntil = readDelay(options.delay, nowMs);
  if (typeof delayUntil === "object") return delayUntil;
  const ttlMs = readTtl(options.ttl, task.ttlMs);
  if (typeof ttlMs === "object") return ttlMs;
  const metadata = readMetadata(options);
  if (metadata && "ok" in metadata) return metadata;
  const maxDurationSec = options.maxDuration ?? task.maxDurationSec;
  return {
    ok: true,
    data: {
      tags,
      machine,
      priorityMs: clampInt32(Math.round((options.priority ?? 0) * 1000)),
      ...(metadata ? { metadata } : {}),
      ...(delayUntil === undefined ? {} : { delayUntil }),
      ...(ttlMs === undefined ? {} : { ttlMs }),
      ...(options.maxAttempts === undefined ? {} : { maxAttempts: options.maxAttempts }),
      ...(maxDurationSec === undefined ? {} : { maxDurationSec: Math.max(5, maxDurationSec) }),
    },
  };
}

function readTags(value: TriggerOptions["tags"]): string[] | Refusal {
  const tags = value === undefined ? [] : typeof value === "string" ? [value] : [...new Set(value)];
  if (tags.length > LIMITS.tags)
    return refuse("INVALID_OPTION", `A run has at most ${LIMITS.tags} tags, not ${tags.length}`);
  const bad = tags.find((tag) => tag.length === 0 || tag.length > LIMITS.tagLength);
  if (bad !== undefined)
    return refuse(
      "INVALID_OPTION",
      `A tag has 1 to ${LIMITS.tagLength} characters, not ${bad.length}`,
    );
  return tags;
}

function readMachine(value: TriggerOptions["machine"], fallback: Preset): Preset | Refusal {
  if (value === undefined) return fallback;
  const parsed = presetSchema.safeParse(typeof value === "string" ? value : value.preset);
  if (parsed.success) return parsed.data;
  return refuse("INVALID_OPTION", `Unknown machine preset; the presets are ${PRESETS.join(", ")}`);
}

function readDelay(value: TriggerOptions["delay"], nowMs: number): number | undefined | Refusal {
  if (value === undefined) return undefined;
  const at = parseMoment(value, nowMs);
  if (at === undefined)
    return refuse(
      "INVALID_OPTION",
      `delay must be a duration such as "1h30m" or an ISO 8601 date, not ${JSON.stringify(value)}`,
    );
  return at > nowMs ? at : undefined;
}

/** 0 disables the time to live, also the task's own. */
function readTtl(
  value: TriggerOptions["ttl"],
  fallback: number | undefined,
): number | undefined | Refusal {
  if (value === undefined) return fallback;
  const ms = typeof value === "number" ? value * 1000 : parseDuration(value);
  if (ms === undefined || ms > MAX_DURATION_MS)
    return refuse(
      "INVALID_OPTION",
      `ttl must be seconds or a duration such as "10m", not ${JSON.stringify(value)}`,
    );
  return ms === 0 ? undefined : ms;
}

function readMetadata(options: TriggerOptions): Packet | undefined | Refusal {
  const { metadata, metadataType } = options;
  if (metadata === undefined || metadata === null) return undefined;
  const data =
    typeof metadata === "string" && metadataType !== undefined
      ? metadata
      : JSON.stringify(metadata);
  if (data.length > LIMITS.metadataLength)
    return refuse("INVALID_OPTION", `metadata is over ${LIMITS.metadataLength / 1024} KB`);
  return { data, type: metadataType ?? "application/json" };
}

/**
 * Clients send the payload serialised, with its type; a REST user's raw JSON value has no type and is kept as JSON.
 */
function payloadPacket(payload: unknown, type: string | undefined): Packet {
  if (payload === undefined) return { type: type ?? "application/json" };
  if (type !== undefined && typeof payload === "string") return { data: payload, type };
  return { data: JSON.stringify(payload), type: "application/json" };
}

function lineageFields(lineage: Lineage): Partial<EventData<"run-triggered">> {
  return {
    parent: lineage.parent,
    rootRunId: lineage.rootRunId,
    ...(lineage.orderAt === undefined ? {} : { orderAt: lineage.orderAt }),
    ...(lineage.batchId === undefined ? {} : { batchId: lineage.batchId }),
  };
}

function clampInt32(value: number): number {
  return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, value));
}
