/** How one run differs from its task's definition: v4's options, turned into the request's. */
import {
  ERRORS,
  LIMITS,
  readTrigger,
  refuse,
  type Preset,
  type Refusal,
  type TriggerBody,
} from "@millrace/proto";
import { refusalError } from "./errors.ts";
import type { TriggerCall } from "./host.ts";
import { toPacket } from "./packets.ts";

type PlatformOptions = NonNullable<TriggerBody["options"]>;

export type TriggerOptions = {
  /** Not before this: a duration such as `1h30m`, a date in ISO 8601, or a `Date`. */
  readonly delay?: string | Date;
  /** The run expires when it has not started this long after it was queued: seconds, or a duration. 0: never. */
  readonly ttl?: string | number;
  /** Seconds of head start over other runs of its queue. Default 0. */
  readonly priority?: number;
  /** At most 10, of at most 128 characters. */
  readonly tags?: string | readonly string[];
  /** JSON of at most 256 KB. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** The name of a declared queue. The object is an older spelling; its limit is the declaration's business. */
  readonly queue?: string | { readonly name: string; readonly concurrencyLimit?: number };
  readonly machine?: Preset | { readonly preset: Preset };
  readonly maxAttempts?: number;
  /** Seconds of active time an attempt may take; at least 5. */
  readonly maxDuration?: number;
  /** The pool of agents that may take the run. */
  readonly region?: string;
  /** Refused by this version's platform. */
  readonly idempotencyKey?: string | readonly string[];
  /** Refused by this version's platform. */
  readonly concurrencyKey?: string;
  /** Refused by this version's platform. */
  readonly debounce?: {
    readonly key: string;
    readonly delay: string;
    readonly mode?: "leading" | "trailing";
    readonly maxDelay?: string;
  };
};

/** One reader an option: an option without one does not compile, and an option that is not here is refused. */
const READERS: {
  readonly [Name in keyof TriggerOptions]-?: (
    value: NonNullable<TriggerOptions[Name]>,
  ) => Partial<PlatformOptions>;
} = {
  delay: (value) => ({ delay: value instanceof Date ? isoOrInvalid(value) : value }),
  ttl: (ttl) => ({ ttl }),
  priority: (priority) => ({ priority }),
  tags: (value) => ({ tags: value as string | string[] }),
  metadata: (metadata) => ({ metadata }),
  queue: (value) => ({ queue: { name: typeof value === "string" ? value : value.name } }),
  machine: (machine) => ({ machine }),
  maxAttempts: (maxAttempts) => ({ maxAttempts }),
  maxDuration: (maxDuration) => ({ maxDuration }),
  region: (region) => ({ region }),
  idempotencyKey: (value) => ({
    idempotencyKey: Array.isArray(value) ? value.join("-") : (value as string),
  }),
  concurrencyKey: (concurrencyKey) => ({ concurrencyKey }),
  debounce: (debounce) => ({ debounce }),
};

/**
 * A trigger as every transport takes it.
 * @throws ApiError what the platform would refuse by its form alone, with the same words; nothing is sent
 * @throws TypeError when the payload has no serial form
 */
export function triggerCall(
  taskId: string,
  payload: unknown,
  options: TriggerOptions = {},
): TriggerCall {
  const packet = toPacket(payload);
  const body = {
    ...(packet.data === undefined ? {} : { payload: packet.data }),
    options: { payloadType: packet.type, ...readOptions(options) },
  };
  const read = isTooLarge(body)
    ? refuse("PAYLOAD_TOO_LARGE", ERRORS.PAYLOAD_TOO_LARGE.summary)
    : readTrigger(taskId, body);
  if (!read.ok) throw refusalError(read);
  return { taskId, body: read.body };
}

function readOptions(options: TriggerOptions): Partial<PlatformOptions> {
  const read: Partial<PlatformOptions> = {};
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!isOption(name)) throw refusalError(unsupported(name));
    const reader = READERS[name] as (value: unknown) => Partial<PlatformOptions>;
    Object.assign(read, reader(value));
  }
  return read;
}

function isOption(name: string): name is keyof TriggerOptions {
  return Object.hasOwn(READERS, name);
}

function unsupported(name: string): Refusal {
  return refuse("UNSUPPORTED_OPTION", `Option "${name}" is not supported by this version`);
}

/** An invalid date is left to the platform's words. */
function isoOrInvalid(date: Date): string {
  return Number.isNaN(date.getTime()) ? String(date) : date.toISOString();
}

/** Counts what the gateway would count: the body's bytes as JSON. Small bodies, nearly all, are not written for it. */
function isTooLarge(body: { readonly payload?: string }): boolean {
  if ((body.payload?.length ?? 0) < LIMITS.bodyBytes / 8) return false;
  return Buffer.byteLength(JSON.stringify(body)) > LIMITS.bodyBytes;
}
