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
  logRecordSchema,
  retrySettingsSchema,
  triggerBodySchema,
  type ChildResult,
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

const triggerCallSchema = z.object({ taskId: z.string(), body: triggerBodySchema });

/** A task as its file defines it; `filePath` is relative to the folder of the tasks. */
const manifestTaskSchema = z.object({
  id: z.string(),
  filePath: z.string(),
  exportName: z.string().optional(),
  queue: z
    .object({ name: z.string().optional(), concurrencyLimit: z.number().nullable().optional() })
    .optional(),
  machine: z.string().optional(),
  isolation: isolationSchema,
  retry: retrySettingsSchema.optional(),
  maxDuration: z.number().optional(),
  ttl: z.union([z.string(), z.number()]).optional(),
});
export type ManifestTask = z.infer<typeof manifestTaskSchema>;

export const manifestSchema = z.object({
  tasks: z.array(manifestTaskSchema),
  queues: z.array(z.object({ name: z.string(), concurrencyLimit: z.number().nullable() })),
  errors: z.array(z.object({ file: z.string(), error: z.string() })),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** The first message of a connection, also of a second one after the first was lost. */
export const helloSchema = z.object({ type: z.literal("hello"), token: z.string() });

const succeeded = z.object({ type: z.literal("succeeded"), ref, output: packetSchema });
const failed = z.object({
  type: z.literal("failed"),
  ref,
  error: runErrorSchema,
  /** Not to be tried again. */
  isFinal: z.boolean(),
});
const waitUntil = z.object({
  type: z.literal("wait-until"),
  ref,
  call,
  index,
  key: z.string(),
  until: z.number().int().nonnegative(),
});
const waitChildren = z.object({
  type: z.literal("wait-children"),
  ref,
  call,
  index,
  key: z.string(),
  calls: z.array(triggerCallSchema).min(1),
  isBatch: z.boolean(),
});
const trigger = z.object({ type: z.literal("trigger"), ref, call, ...triggerCallSchema.shape });
const batchTrigger = z.object({
  type: z.literal("batch-trigger"),
  ref,
  call,
  calls: z.array(triggerCallSchema).min(1),
});
const retrieve = z.object({ type: z.literal("retrieve"), ref, call, runId: z.string() });
const cancel = z.object({ type: z.literal("cancel"), ref, call, runId: z.string() });
const subscribe = z.object({ type: z.literal("subscribe"), ref, call, runId: z.string() });
/** `call` is the subscription's. */
const unsubscribe = z.object({ type: z.literal("unsubscribe"), ref, call });
const logged = z.object({
  type: z.literal("log"),
  ref,
  record: logRecordSchema.omit({ attempt: true }),
});

const fromRunSchema = z.discriminatedUnion("type", [
  succeeded,
  failed,
  waitUntil,
  waitChildren,
  trigger,
  batchTrigger,
  retrieve,
  cancel,
  subscribe,
  unsubscribe,
  logged,
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

export type Entry = { readonly file: string; readonly url: string };

/** What one execution is given. */
export type Start = {
  readonly type: "start";
  readonly ref: number;
  readonly runId: string;
  readonly trigger: Trigger;
  readonly attempt: number;
  readonly attemptStartedAt: number;
  readonly startedAt: number;
  readonly maxAttempts: number | null;
  /** Durable calls that are answered already, in order. */
  readonly waits: readonly Wait[];
};

export type ToProcess =
  | {
      readonly type: "load";
      readonly entries: readonly Entry[];
      readonly machines: MachineSizes;
    }
  | Start
  | { readonly type: "abort"; readonly ref: number }
  | {
      readonly type: "answer";
      readonly ref: number;
      readonly call: number;
      readonly answer: Answer;
    }
  | {
      readonly type: "view";
      readonly ref: number;
      readonly call: number;
      readonly view: RunView;
    }
  | {
      readonly type: "view-error";
      readonly ref: number;
      readonly call: number;
      readonly error: CallError;
    }
  | { readonly type: "ping" };

/** The answer of each kind of call is what its name says; `resumed` answers both waits. */
export type Answer =
  | { readonly kind: "refused"; readonly error: CallError }
  | { readonly kind: "done" }
  | { readonly kind: "triggered"; readonly runId: string }
  | { readonly kind: "batch"; readonly batchId: string; readonly runIds: readonly string[] }
  | { readonly kind: "view"; readonly view: RunView }
  | { readonly kind: "results"; readonly results: readonly ChildResult[] };
