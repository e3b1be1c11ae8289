/** How one run differs from its task's definition: v4's options, turned into the request's. */
import { LIMITS, readTrigger, refuse, type Refusal, type TriggerBody } from "@millrace/proto";
import { defaultVersion } from "./config.ts";
import { refusalError } from "./errors.ts";
import { currentRun, type TriggerCall } from "./host.ts";
import { keyOptions, type IdempotencyKeyOption } from "./idempotency-keys.ts";
import type { MachineOption } from "./machine.ts";
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
  /**
   * The name of a declared queue. The object is an older spelling: with a limit, a queue nobody has declared is made;
   * of a declared one the declaration's limit counts.
   */
  readonly queue?: string | { readonly name: string; readonly concurrencyLimit?: number | null };
  /** A preset, or the least it must have: vCPUs, and memory in GB. */
  readonly machine?: MachineOption;
  readonly maxAttempts?: number;
  /** Seconds of active time an attempt may take; at least 5. */
  readonly maxDuration?: number;
  /** The pool of agents that may take the run. */
  readonly region?: string;
  /** The version of the tasks that is to run it. Not when waiting: a child runs in its parent's. */
  readonly version?: string;
  /** While the key stands for a run, a trigger with it gives that run instead of a new one. */
  readonly idempotencyKey?: IdempotencyKeyOption;
  /** How long the key stands for its run: a number and one of `s`, `m`, `h`, `d`. Default 30 days. */
  readonly idempotencyKeyTTL?: string;
  /** Runs of one key have the queue's limit to themselves. */
  readonly concurrencyKey?: string;
  /** Triggers with this key move one delayed run, until none came for the delay. */
  readonly debounce?: {
    readonly key: string;
    /** A duration such as `5s`. */
    readonly delay: string;
    /** Which trigger's payload and options count: the first (`leading`, default) or the last. */
    readonly mode?: "leading" | "trailing";
    /** The run is not moved further than this from the first trigger. */
    readonly maxDelay?: string;
  };
  /** Marks the run as a test. A test's children are tests, too. */
  readonly test?: boolean;
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
  queue: (value) => ({ queue: typeof value === "string" ? { name: value } : { ...value } }),
  machine: (machine) => ({ machine }),
  maxAttempts: (maxAttempts) => ({ maxAttempts }),
  maxDuration: (maxDuration) => ({ maxDuration }),
  region: (region) => ({ region }),
  version: (lockToVersion) => ({ lockToVersion }),
  idempotencyKey: (value) => keyOptions(value),
  idempotencyKeyTTL: (idempotencyKeyTTL) => ({ idempotencyKeyTTL }),
  concurrencyKey: (concurrencyKey) => ({ concurrencyKey }),
  debounce: (debounce) => ({ debounce }),
  test: (test) => ({ test }),
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
  const version = options.version ?? defaultVersion();
  return callOf(taskId, payload, { ...options, ...(version === undefined ? {} : { version }) });
}

/**
 * The same for a child whose parent waits for it: it runs in its parent's version, where that has one.
 * @throws ApiError also when the options name a version
 */
export function childCall(
  taskId: string,
  payload: unknown,
  options: TriggerOptions = {},
): TriggerCall {
  if (options.version !== undefined)
    throw refusalError(
      refuse(
        "UNSUPPORTED_OPTION",
        'Option "version" cannot be used when waiting: a child runs in its parent\'s version',
      ),
    );
  const version = currentRun()?.ctx.run.version;
  return callOf(taskId, payload, { ...options, ...(version === undefined ? {} : { version }) });
}

function callOf(taskId: string, payload: unknown, options: TriggerOptions): TriggerCall {
  const packet = toPacket(payload);
  const isTest = currentRun()?.ctx.run.isTest === true;
  const body = {
    ...(packet.data === undefined ? {} : { payload: packet.data }),
    options: {
      payloadType: packet.type,
      ...(isTest ? { test: true } : {}),
      ...readOptions(options),
    },
  };
  const read = isTooLarge(packet.data)
    ? refuse("PAYLOAD_TOO_LARGE", `The payload is over ${LIMITS.storedBytes / 1024 / 1024} MB`)
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

/** Bytes as UTF-8. Short payloads, nearly all, are not counted. */
function isTooLarge(data = ""): boolean {
  return data.length > LIMITS.storedBytes / 4 && Buffer.byteLength(data) > LIMITS.storedBytes;
}
