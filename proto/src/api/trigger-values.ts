/** The values of a trigger's options, read with v4's grammar and limits, or refused. */
import { refuse, type Refusal } from "../errors.ts";
import type { EventData } from "../events/events.ts";
import type { Packet } from "../events/values.ts";
import { exceedsBytes, JSON_LEVELS } from "../json.ts";
import { machineOf, PRESETS, type Preset } from "../machines.ts";
import type { TaskRecord } from "../registry/tasks.ts";
import { metadataOf } from "../run/metadata.ts";
import type { JsonObject } from "../run/state.ts";
import { MAX_DURATION_MS, parseDuration, parseMoment } from "./durations.ts";
import { LIMITS, type TriggerOptions } from "./trigger.ts";

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

export function readOptions(
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
export function payloadPacket(payload: unknown, type: string | undefined): Packet | undefined {
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
/** Also makes -0 a 0, which no codec tells from it. */
function clampInt32(value: number): number {
  return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, value)) + 0;
}
