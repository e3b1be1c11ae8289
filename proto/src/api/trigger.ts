/** `POST /api/v1/tasks/:id/trigger`: the body, and the rule that turns it into a run's first event or refuses it. */
import { z } from "zod";
import { refuse, type Refusal } from "../errors.ts";
import type { EventData } from "../events/events.ts";
import type { Packet } from "../events/values.ts";
import { exceedsBytes, JSON_LEVELS } from "../json.ts";
import { machineOf, PRESETS, type Preset } from "../machines.ts";
import type { QueueRecord, TaskRecord } from "../registry.ts";
import { metadataOf } from "../run/metadata.ts";
import type { JsonObject } from "../run/state.ts";
import { makeRunId, shardOfQueue } from "../wire/ids.ts";
import { MAX_DURATION_MS, parseDuration, parseMoment } from "./durations.ts";

/** v4's limits. Lengths are in characters; bytes are those of UTF-8. */
export const LIMITS = {
  bodyBytes: 3 * 1024 * 1024,
  tags: 10,
  tagLength: 128,
  taskIdLength: 128,
  queueLength: 128,
  /** Bytes of its JSON text. */
  metadataLength: 256 * 1024,
  batchItems: 1000,
  idempotencyKeyLength: 2048,
  concurrencyKeyLength: 512,
  debounceKeyLength: 512,
  /** A larger payload or output is kept in the object store, and its event names it. */
  inlineBytes: 128 * 1024,
  /** The largest payload or output of all. */
  storedBytes: 10 * 1024 * 1024,
  streamChunkBytes: 512 * 1024,
  streamKeyLength: 128,
  queueLimit: 100_000,
} as const;

/** How long an idempotency key stands for its run when nobody says: v4's 30 days. */
export const IDEMPOTENCY_TTL_MS = 30 * 86_400_000;

const stringOrList = z.union([z.string(), z.array(z.string())]);

/** Older clients send `{ preset }`, and older ones the size they need: vCPUs, and memory in GB. */
const machineOption = z.union([
  z.string(),
  z.object({ preset: z.string() }),
  z.object({ cpu: z.number().optional(), memory: z.number().optional() }),
]);

const debounceOption = z.object({
  key: z.string().min(1).max(LIMITS.debounceKeyLength),
  delay: z.string(),
  mode: z.enum(["leading", "trailing"]).optional(),
  maxDelay: z.string().optional(),
});

export const triggerOptionsSchema = z.object({
  /** With a limit (an older spelling), a queue nobody has declared is made. */
  queue: z
    .object({
      name: z.string().min(1).max(LIMITS.queueLength),
      concurrencyLimit: z.number().int().min(0).max(LIMITS.queueLimit).nullish(),
    })
    .optional(),
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
  /** A pool's name; what follows an `@` would be a version. */
  region: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[^@]*$/, "A region has no @ in its name")
    .optional(),
  test: z.boolean().optional(),
  parentRunId: z.string().optional(),
  /** The batch this trigger is part of, named by whoever makes the batch. */
  parentBatch: z.string().min(1).max(64).optional(),
  resumeParentOnCompletion: z.boolean().optional(),
  idempotencyKey: z.string().min(1).max(LIMITS.idempotencyKeyLength).optional(),
  idempotencyKeyTTL: z.string().optional(),
  /** What the user had written, before it was hashed. */
  idempotencyKeyOptions: z.object({ key: z.string(), scope: z.string() }).optional(),
  concurrencyKey: z.union([z.string().max(LIMITS.concurrencyKeyLength), z.number()]).optional(),
  debounce: debounceOption.optional(),
  lockToVersion: z.string().min(1).max(64).optional(),
  payloadSize: z.number().optional(),
  bulkActionId: z.string().optional(),
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
  readonly replayOf?: string;
};

/** A key that stands for the run from now on, if it stands for none. */
export type IdempotencyClaim = { readonly key: string; readonly ttlMs: number };

export type DebounceClaim = {
  readonly key: string;
  readonly delayMs: number;
  readonly mode: "leading" | "trailing";
  readonly maxDelayMs: number | null;
};

export type Accepted = {
  readonly ok: true;
  readonly runId: string;
  readonly data: EventData<"run-triggered">;
  /** The run is triggered only if this key stands for no other; see `RunClient.trigger`. */
  readonly idempotency?: IdempotencyClaim;
  /** The run is triggered only if no delayed one stands for this key. */
  readonly debounce?: DebounceClaim;
};

/** The queue a trigger goes to: the option's, else the task's. */
export function queueOfTrigger(task: TaskRecord, body: TriggerBody): string {
  return body.options?.queue?.name ?? task.queue;
}

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
  const read = readOptions(options, task, nowMs);
  if (!read.ok) return read;
  const payload = payloadPacket(body.payload, options.payloadType);
  if (!payload) return refuse("BAD_REQUEST", "The payload cannot be written as JSON");
  const idempotency = readIdempotency(options);
  if (idempotency && "ok" in idempotency) return idempotency;
  const debounce = readDebounce(options.debounce);
  if (debounce && "ok" in debounce) return debounce;
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
      payload,
      isolation: task.isolation,
      pool: options.region ?? "default",
      isTest: options.test ?? false,
      depth: lineage?.depth ?? 0,
      ...read.data,
      ...keyFields(options, debounce, nowMs),
      ...(options.parentBatch === undefined ? {} : { batchId: options.parentBatch }),
      ...(lineage ? lineageFields(lineage) : {}),
    },
    ...(idempotency ? { idempotency } : {}),
    ...(debounce ? { debounce } : {}),
  };
}

/** What names the run, or the line it stands in. */
function keyFields(
  options: TriggerOptions,
  debounce: DebounceClaim | undefined,
  nowMs: number,
): Partial<EventData<"run-triggered">> {
  const { idempotencyKey, idempotencyKeyOptions, concurrencyKey, lockToVersion } = options;
  const { bulkActionId } = options;
  // An empty key is none: runs without one share a line.
  const hasLine = concurrencyKey !== undefined && concurrencyKey !== "";
  return {
    ...(hasLine ? { concurrencyKey: String(concurrencyKey) } : {}),
    ...(idempotencyKey === undefined
      ? {}
      : {
          idempotency: {
            key: idempotencyKey,
            ...(idempotencyKeyOptions
              ? { userKey: idempotencyKeyOptions.key, scope: idempotencyKeyOptions.scope }
              : {}),
          },
        }),
    ...(debounce ? { debounceKey: debounce.key, delayUntil: nowMs + debounce.delayMs } : {}),
    ...(lockToVersion === undefined ? {} : { version: lockToVersion }),
    ...(bulkActionId === undefined ? {} : { bulkActionId }),
  };
}

/** v4's grammar: a number and one unit. */
const KEY_TTL = /^(\d+)([smhd])$/;
const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds an idempotency key lives; undefined when it is not to be understood, or would never live. */
export function readKeyTtl(text: string | undefined): number | undefined {
  if (text === undefined) return IDEMPOTENCY_TTL_MS;
  const [, count, unit] = KEY_TTL.exec(text) ?? [];
  if (count === undefined || unit === undefined) return undefined;
  const ms = Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  return ms > 0 && ms <= MAX_DURATION_MS ? ms : undefined;
}

function readIdempotency(options: TriggerOptions): IdempotencyClaim | undefined | Refusal {
  const { idempotencyKey, idempotencyKeyTTL } = options;
  if (idempotencyKey === undefined) return undefined;
  const ttlMs = readKeyTtl(idempotencyKeyTTL);
  if (ttlMs !== undefined) return { key: idempotencyKey, ttlMs };
  return refuse(
    "INVALID_OPTION",
    `idempotencyKeyTTL must be a number and one of s, m, h, d, such as "60s" or "30d", not ${JSON.stringify(idempotencyKeyTTL)}`,
  );
}

function readDebounce(option: TriggerOptions["debounce"]): DebounceClaim | undefined | Refusal {
  if (option === undefined) return undefined;
  const { key, delay, mode = "leading", maxDelay } = option;
  const delayMs = parseDuration(delay);
  if (delayMs === undefined || delayMs === 0)
    return refuse(
      "INVALID_OPTION",
      `debounce.delay must be a duration such as "5s", not ${JSON.stringify(delay)}`,
    );
  const maxDelayMs = maxDelay === undefined ? null : parseDuration(maxDelay);
  if (maxDelayMs === undefined)
    return refuse(
      "INVALID_OPTION",
      `debounce.maxDelay must be a duration such as "1m", not ${JSON.stringify(maxDelay)}`,
    );
  if (maxDelayMs !== null && maxDelayMs <= delayMs)
    return refuse("INVALID_OPTION", "debounce.maxDelay must be longer than debounce.delay");
  return { key, delayMs, mode, maxDelayMs };
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
  const priorityMs = clampInt32(Math.round((options.priority ?? 0) * 1000));
  if (Number.isNaN(priorityMs)) return refuse("INVALID_OPTION", "priority must be a number");
  const maxDurationSec = options.maxDuration ?? task.maxDurationSec;
  return {
    ok: true,
    data: {
      tags,
      machine,
      priorityMs,
      ...(metadata ? { metadata } : {}),
      ...(delayUntil === undefined ? {} : { delayUntil }),
      ...(ttlMs === undefined ? {} : { ttlMs }),
      ...(options.maxAttempts === undefined ? {} : { maxAttempts: options.maxAttempts }),
      ...(maxDurationSec === undefined
        ? {}
        : { maxDurationSec: clampInt32(Math.max(5, maxDurationSec)) }),
    },
  };
}

/** @returns each tag once, or why they cannot be a run's */
export function readTags(value: TriggerOptions["tags"]): string[] | Refusal {
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

/** Why a run cannot have this metadata; undefined when it can. To be asked where operations are accepted. */
export function metadataProblem(metadata: JsonObject): Refusal | undefined {
  if (!exceedsBytes(JSON.stringify(metadata), LIMITS.metadataLength)) return undefined;
  return refuse(
    "METADATA_TOO_LARGE",
    `The run's metadata would be over ${LIMITS.metadataLength / 1024} KB`,
  );
}

function readMachine(value: TriggerOptions["machine"], fallback: Preset): Preset | Refusal {
  if (value === undefined) return fallback;
  const preset = machineOf(value);
  if (preset !== undefined) return preset;
  return refuse(
    "INVALID_OPTION",
    `Unknown machine ${JSON.stringify(value)}; the presets are ${PRESETS.join(", ")}`,
  );
}

function readDelay(value: TriggerOptions["delay"], nowMs: number): number | undefined | Refusal {
  if (value === undefined) return undefined;
  const at = parseMoment(value, nowMs);
  if (at === undefined)
    return refuse(
      "INVALID_OPTION",
      `delay must be a duration such as "1h30m" or an ISO 8601 date, not ${typeof value === "string" ? JSON.stringify(value) : String(value)}`,
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

/** A text comes with its type, as the client wrote it; anything else is the object itself. */
function readMetadata(options: TriggerOptions): Packet | undefined | Refusal {
  const { metadata, metadataType } = options;
  if (metadata === undefined || metadata === null) return undefined;
  const data =
    typeof metadata === "string" && metadataType !== undefined ? metadata : jsonText(metadata);
  if (data !== undefined && exceedsBytes(data, LIMITS.metadataLength))
    return refuse("INVALID_OPTION", `metadata is over ${LIMITS.metadataLength / 1024} KB`);
  const packet = {
    ...(data === undefined ? {} : { data }),
    type: metadataType ?? "application/json",
  };
  if (metadataOf(packet) !== null) return packet;
  return refuse(
    "INVALID_OPTION",
    `metadata must be a JSON object of at most ${JSON_LEVELS} levels`,
  );
}

/**
 * Clients send the payload serialised, with its type; a REST user's raw JSON value has no type and is kept as JSON.
 * Undefined when it has no JSON text.
 */
function payloadPacket(payload: unknown, type: string | undefined): Packet | undefined {
  if (payload === undefined) return { type: type ?? "application/json" };
  if (type !== undefined && typeof payload === "string") return { data: payload, type };
  const data = jsonText(payload);
  return data === undefined ? undefined : { data, type: "application/json" };
}

/** Undefined for what JSON cannot say: functions, cycles, what is nested too deeply. */
function jsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value) as string | undefined;
  } catch {
    return undefined;
  }
}

function lineageFields(lineage: Lineage): Partial<EventData<"run-triggered">> {
  return {
    parent: lineage.parent,
    rootRunId: lineage.rootRunId,
    ...(lineage.orderAt === undefined ? {} : { orderAt: lineage.orderAt }),
    ...(lineage.batchId === undefined ? {} : { batchId: lineage.batchId }),
    ...(lineage.replayOf === undefined ? {} : { replayOf: lineage.replayOf }),
  };
}

/** Also makes -0 a 0, which no codec tells from it. */
function clampInt32(value: number): number {
  return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, value)) + 0;
}
