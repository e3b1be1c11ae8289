/**
 * What an agent and its run processes say to each other. A `ref` names one execution: a retry in the same process has
 * another one, so that what a finished execution still says is known as such. A `call` numbers a question of the run's
 * code; its answer has the same number.
 *
 * What comes from a run process comes from users' code: it is checked. What comes from the agent is not.
 */
import {
  EVENT_SCHEMAS,
  isolationSchema,
  LIMITS,
  logRecordSchema,
  presetSchema,
  rateLimitSchema,
  retrySettingsSchema,
  spanRecordSchema,
  type JsonObject,
  type RunView,
  type Trigger,
  type Wait,
} from "@millrace/proto";
import { z } from "zod";
import type { MachineSizes } from "../config.ts";

const packetSchema = EVENT_SCHEMAS["attempt-succeeded"].shape.output;
const runErrorSchema = EVENT_SCHEMAS["attempt-failed"].shape.error;

const ref = z.number().int().nonnegative();
const call = z.number().int().nonnegative();
const index = z.number().int().nonnegative();

/** Read by the rules of every door, by whoever answers: what is wrong with it is the code's to know. */
const triggerCallSchema = z.object({ taskId: z.string(), body: z.unknown() });
export type AskedCall = z.infer<typeof triggerCallSchema>;

/** A task as its file defines it; `filePath` is relative to the folder of the tasks. */
const manifestTaskSchema = z.object({
  id: z.string(),
  filePath: z.string(),
  exportName: z.string().optional(),
  description: z.string().optional(),
  payloadSchema: z.unknown().optional(),
  queue: z
    .object({ name: z.string().optional(), concurrencyLimit: z.number().nullable().optional() })
    .optional(),
  machine: z.string().optional(),
  isolation: isolationSchema,
  retry: retrySettingsSchema.optional(),
  maxDuration: z.number().optional(),
  ttl: z.union([z.string(), z.number()]).optional(),
  triggerSource: z.literal("schedule").optional(),
  schedule: z
    .object({
      cron: z.string(),
      timezone: z.string(),
      window: z.string().optional(),
      environments: z.array(z.string()).readonly().optional(),
      catchUp: z.number().int().nonnegative().max(LIMITS.catchUp).optional(),
    })
    .optional(),
});
export type ManifestTask = z.infer<typeof manifestTaskSchema>;

export const manifestSchema = z.object({
  tasks: z.array(manifestTaskSchema),
  queues: z.array(
    z.object({
      name: z.string(),
      concurrencyLimit: z.number().nullable(),
      rateLimit: rateLimitSchema.optional(),
    }),
  ),
  errors: z.array(z.object({ file: z.string(), error: z.string() })),
  /** Fields of the configuration that change nothing here. */
  withoutEffect: z.array(z.string()).optional(),
  /** As the configuration names it. */
  project: z.string().optional(),
  /** Where the configuration says the tasks are. */
  folders: z.object({
    dirs: z.array(z.string()).optional(),
    ignorePatterns: z.array(z.string()).optional(),
  }),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** The first message of a connection, also of a second one after the first was lost. */
export const helloSchema = z.object({ type: z.literal("hello"), token: z.string() });

const succeeded = z.object({ type: z.literal("succeeded"), ref, output: packetSchema });
const failed = z.object({
  type: z.literal("failed"),
  ref,
  error: runErrorSchema,
  /** What the run's own rules decided; null: not to be tried again. */
  retry: z
    .object({ delayMs: z.number().nonnegative(), machine: presetSchema.optional() })
    .nullable(),
});
/** Run again, the code asks something else than its log has an answer to: the execution ends here. */
const strayed = z.object({ type: z.literal("strayed"), ref, message: z.string() });
const waitUntil = z.object({
  type: z.literal("wait-until"),
  ref,
  call,
  index,
  key: z.string(),
  until: z.number().int().nonnegative(),
});
/** Which runs would be waited for; nothing is waited for before `wait-planned`. */
const planChildren = z.object({
  type: z.literal("plan-children"),
  ref,
  call,
  index,
  key: z.string(),
  calls: z.array(triggerCallSchema),
  isBatch: z.boolean(),
});
/** Which token would be waited for: `tokenId` may be the idempotency key it was made with. */
const planToken = z.object({
  type: z.literal("plan-token"),
  ref,
  call,
  index,
  key: z.string(),
  tokenId: z.string(),
});
/** The wait that was planned last begins. */
const waitPlanned = z.object({ type: z.literal("wait-planned"), ref, call, index });
const trigger = z.object({ type: z.literal("trigger"), ref, call, ...triggerCallSchema.shape });
const batchTrigger = z.object({
  type: z.literal("batch-trigger"),
  ref,
  call,
  calls: z.array(triggerCallSchema),
});
const retrieve = z.object({ type: z.literal("retrieve"), ref, call, runId: z.string() });
const cancel = z.object({ type: z.literal("cancel"), ref, call, runId: z.string() });
const subscribe = z.object({ type: z.literal("subscribe"), ref, call, runId: z.string() });
const subscribeRuns = z.object({
  type: z.literal("subscribe-runs"),
  ref,
  call,
  selector: z.union([
    z.object({ batchId: z.string() }),
    z.object({ tags: z.array(z.string()), createdAfter: z.number().optional() }),
  ]),
});
const readStream = z.object({
  type: z.literal("read-stream"),
  ref,
  call,
  runId: z.string(),
  key: z.string().min(1).max(LIMITS.streamKeyLength),
  startIndex: z.number().int().nonnegative(),
});
/** Ends a subscription, or the reading of a stream: `call` is what began it. */
const unsubscribe = z.object({ type: z.literal("unsubscribe"), ref, call });
/** One of `CALLS`. */
const platformCall = z.object({
  type: z.literal("call"),
  ref,
  call,
  name: z.string(),
  input: z.unknown(),
});
const logged = z.object({
  type: z.literal("log"),
  ref,
  record: logRecordSchema.omit({ attempt: true }),
});
const spanned = z.object({
  type: z.literal("span"),
  ref,
  record: spanRecordSchema.omit({ attempt: true }),
});

const fromRunSchema = z.discriminatedUnion("type", [
  succeeded,
  failed,
  strayed,
  waitUntil,
  planChildren,
  planToken,
  waitPlanned,
  trigger,
  batchTrigger,
  retrieve,
  cancel,
  subscribe,
  subscribeRuns,
  readStream,
  unsubscribe,
  platformCall,
  logged,
  spanned,
]);

export const fromProcessSchema = z.discriminatedUnion("type", [
  ...fromRunSchema.options,
  /** Said before each file: the last one said by a process that died is the one that ended it. */
  z.object({ type: z.literal("importing"), file: z.string() }),
  z.object({ type: z.literal("loaded"), manifest: manifestSchema }),
  /** Something was printed outside of any run. */
  z.object({ type: z.literal("printed"), level: z.string(), message: z.string() }),
  /** An error nobody caught; the process ends. */
  z.object({ type: z.literal("crashed"), error: runErrorSchema }),
  z.object({ type: z.literal("pong") }),
]);
export type FromProcess = z.infer<typeof fromProcessSchema>;

/** What the code of one execution says. */
export type FromRun = z.infer<typeof fromRunSchema>;
export type RunMessage<T extends FromRun["type"]> = Extract<FromRun, { type: T }>;

/** Why a call of the run's code was refused. */
export type CallError = {
  readonly code: string;
  readonly status: number;
  readonly message: string;
};

/** `config` and `init` are imported before the tasks: they say what holds for all of them. */
export type Entry = {
  readonly kind: "config" | "init" | "tasks";
  readonly file: string;
  readonly url: string;
};

/** What one execution is given. */
export type Start = {
  readonly type: "start";
  readonly ref: number;
  readonly runId: string;
  readonly trigger: Trigger;
  readonly tags: readonly string[];
  readonly metadata: JsonObject | null;
  readonly attempt: number;
  readonly attemptStartedAt: number;
  readonly startedAt: number;
  readonly maxAttempts: number | null;
  /** The version of the tasks this agent serves, where it has one. */
  readonly version: string | null;
  /** Active milliseconds so far, of this attempt and of all of them. */
  readonly activeMs: { readonly attempt: number; readonly total: number };
  /** Durable calls that are answered already, in order. */
  readonly waits: readonly Wait[];
};

/** Why code is told to end. `given-back`: this agent has the run no longer. */
export type AbortReason = "canceled" | "max-duration" | "given-back";

export type ToProcess =
  | {
      readonly type: "load";
      readonly entries: readonly Entry[];
      readonly machines: MachineSizes;
    }
  | Start
  | { readonly type: "abort"; readonly ref: number; readonly reason: AbortReason }
  | {
      readonly type: "answer";
      readonly ref: number;
      readonly call: number;
      readonly answer: Answer;
    }
  | {
      readonly type: "push";
      readonly ref: number;
      /** What was subscribed to. */
      readonly call: number;
      readonly item: Pushed;
    }
  | { readonly type: "ping" };

/** What a subscription brings: views of runs, or chunks of a stream; nothing comes after `end` and `error`. */
export type Pushed =
  | { readonly kind: "view"; readonly view: RunView }
  | { readonly kind: "chunk"; readonly index: number; readonly data: string }
  | { readonly kind: "end" }
  | { readonly kind: "error"; readonly error: CallError };

/** The answer of each kind of call is what its name says; `resumed` answers every wait. */
export type Answer =
  | { readonly kind: "refused"; readonly error: CallError }
  | { readonly kind: "done" }
  | { readonly kind: "triggered"; readonly runId: string; readonly isCached: boolean }
  | { readonly kind: "batch"; readonly batchId: string; readonly runIds: readonly string[] }
  | { readonly kind: "view"; readonly view: RunView }
  | { readonly kind: "value"; readonly value: unknown }
  | {
      readonly kind: "planned-children";
      readonly batchId: string | null;
      readonly runIds: readonly string[];
    }
  | { readonly kind: "planned-token"; readonly tokenId: string }
  /** The wait with its results; undefined when it was ended without. */
  | { readonly kind: "resumed"; readonly wait: Wait | undefined };
