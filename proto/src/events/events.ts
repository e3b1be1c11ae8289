/**
 * Every fact about a run: one schema a fact, and the roles that may state it.
 *
 * A fact is never changed once published: fields may be added as optional ones, meanings may not move, and the golden
 * histories in `test/golden` must fold to their recorded state for ever.
 */
import { z } from "zod";
import { isolationSchema, presetSchema } from "../machines.ts";
import type { Role } from "../wire/subjects.ts";
import {
  childResultSchema,
  metadataOperationSchema,
  packetSchema,
  runErrorSchema,
  timestamp,
  tokenResultSchema,
  waitRequestSchema,
  waitSchema,
} from "./values.ts";

/** The first fact of every run. Published with expected last subject sequence 0: a run is triggered once. */
const runTriggered = z.object({
  at: timestamp,
  env: z.string(),
  taskId: z.string(),
  queue: z.string(),
  payload: packetSchema,
  metadata: packetSchema.optional(),
  tags: z.array(z.string()),
  machine: presetSchema,
  isolation: isolationSchema,
  pool: z.string(),
  /** Milliseconds of head start over other runs of its queue. */
  priorityMs: z.number().int(),
  /** The run is not queued before this time. */
  delayUntil: timestamp.optional(),
  /** The run expires when it has not started this long after it was first queued. */
  ttlMs: z.number().int().positive().optional(),
  maxAttempts: z.number().int().positive().optional(),
  maxDurationSec: z.number().int().positive().optional(),
  /** A child of a waiting call takes its parent's place in time. */
  orderAt: timestamp.optional(),
  /** The call this run answers: the parent's wait and the place in it. Without `waitIndex` nobody waits. */
  parent: z
    .object({
      runId: z.string(),
      waitIndex: z.number().int().nonnegative().optional(),
      childIndex: z.number().int().nonnegative().optional(),
    })
    .optional(),
  rootRunId: z.string().optional(),
  depth: z.number().int().nonnegative(),
  batchId: z.string().optional(),
  isTest: z.boolean(),
  /** Runs of one queue with the same key form a line of their own, with the queue's whole limit. */
  concurrencyKey: z.string().optional(),
  /** The hash others find this run by, and what the user had written. */
  idempotency: z
    .object({ key: z.string(), userKey: z.string().optional(), scope: z.string().optional() })
    .optional(),
  debounceKey: z.string().optional(),
  /** The run whose trigger this one repeats. */
  replayOf: z.string().optional(),
  /** It begins where another run was at `seq`: what that one had waited for, this one need not. */
  fork: z
    .object({
      runId: z.string(),
      seq: z.number().int().positive(),
      waits: z.array(waitSchema).readonly(),
    })
    .optional(),
  /** Only agents that serve this version of the tasks take the run. */
  version: z.string().optional(),
  bulkActionId: z.string().optional(),
  /** The schedule that triggered it, and the slot it stands for. */
  schedule: z.object({ id: z.string(), slotAt: timestamp }).optional(),
});

const cancelRequested = z.object({ at: timestamp, reason: z.string().optional() });

/**
 * A run that is still delayed is due at another time; `replace` takes the place of what it was triggered with. Published
 * with the expected last sequence of all the run's subjects: a run that has left its delay is not changed.
 */
const rescheduled = z.object({
  at: timestamp,
  until: timestamp,
  replace: z
    .object({
      payload: packetSchema,
      metadata: packetSchema.optional(),
      tags: z.array(z.string()),
      machine: presetSchema,
      maxAttempts: z.number().int().positive().optional(),
      maxDurationSec: z.number().int().positive().optional(),
    })
    .optional(),
});

const tagsAdded = z.object({ at: timestamp, tags: z.array(z.string()) });

const metadataUpdated = z.object({
  at: timestamp,
  operations: z.array(metadataOperationSchema),
});

/** Another run waits for this one's result, too: it found this one by an idempotency or debounce key. */
const runAwaited = z.object({
  at: timestamp,
  parentRunId: z.string(),
  waitIndex: z.number().int().nonnegative(),
  childIndex: z.number().int().nonnegative(),
});

/** `slotId` names the slot, `reply` is where it is given back: opaque, valid for whoever holds it. */
const slotGranted = z.object({
  at: timestamp,
  queue: z.string(),
  slotId: z.string(),
  reply: z.string(),
  /** The admission this grant answers: a grant for an earlier one is void. */
  admission: z.number().int().positive(),
  /** Granted in the shard's memory, to a run of this concurrency key; `reply` is empty. `""`: to one without a key. */
  key: z.string().optional(),
  /** Counts against the queue's rate limit. */
  rated: z.boolean().optional(),
});

const attemptLost = z.object({
  at: timestamp,
  agentId: z.string(),
  attempt: z.number().int().positive(),
});

const childFinished = z.object({
  at: timestamp,
  waitIndex: z.number().int().nonnegative(),
  childIndex: z.number().int().nonnegative(),
  result: childResultSchema,
});

/** The token this run waits for was completed. Its running out is `timer-fired`. */
const tokenCompleted = z.object({
  at: timestamp,
  waitIndex: z.number().int().nonnegative(),
  tokenId: z.string(),
  result: tokenResultSchema,
});

/** `name` is the timer's, `dueAt` the time it was armed for: a moved timer's earlier firing is void. */
const timerFired = z.object({ at: timestamp, name: z.string(), dueAt: timestamp });

/**
 * An agent's claim. Published with the expected last sequence of the run's agent subject, so one agent wins.
 * `continues`: the same attempt goes on after a wait, in a new process, answered from the log.
 */
const attemptStarted = z.object({
  at: timestamp,
  attempt: z.number().int().positive(),
  agentId: z.string(),
  claimId: z.string(),
  continues: z.boolean(),
  /** From the task's retry settings or the trigger; null when neither says: then a user's error is final. */
  maxAttempts: z.number().int().positive().nullable(),
  /** The version of the tasks this agent serves, where it has one. */
  version: z.string().optional(),
  /** Of a next attempt on the same agent: the one the attempt before began under. Agents of earlier versions do not say it. */
  admission: z.number().int().positive().optional(),
});

/** The waiting process of the same agent goes on. */
const attemptResumed = z.object({
  at: timestamp,
  attempt: z.number().int().positive(),
  agentId: z.string(),
  admission: z.number().int().positive(),
});

const waitStarted = z.object({
  at: timestamp,
  attempt: z.number().int().positive(),
  agentId: z.string(),
  /** The how-many-eth durable call of this run, from 0. */
  index: z.number().int().nonnegative(),
  /** Active time of this process since it started or resumed. */
  durationMs: z.number().nonnegative(),
  wait: waitRequestSchema,
  /** Of the start or the resumption the code waits after. Agents of earlier versions do not say it. */
  admission: z.number().int().positive().optional(),
});

const attemptSucceeded = z.object({
  at: timestamp,
  attempt: z.number().int().positive(),
  agentId: z.string(),
  durationMs: z.number().nonnegative(),
  output: packetSchema,
});

/**
 * `retry` is the agent's decision, made with the user's `catchError`: null means final; `agent` keeps the slot and the
 * process and starts again at `at`; `queue` gives both back and is queued again at `at`.
 */
const attemptFailed = z.object({
  at: timestamp,
  attempt: z.number().int().positive(),
  agentId: z.string(),
  durationMs: z.number().nonnegative(),
  error: runErrorSchema,
  retry: z
    .object({
      at: timestamp,
      where: z.enum(["agent", "queue"]),
      /** The next attempt wants another machine: it ran out of memory on this one. */
      machine: presetSchema.optional(),
    })
    .nullable(),
});

/** The agent stopped the code because the run was cancelled. */
const attemptCanceled = z.object({
  at: timestamp,
  attempt: z.number().int().positive(),
  agentId: z.string(),
  durationMs: z.number().nonnegative(),
});

/** A draining agent gives a run back unfinished: it is queued again at once and its attempt does not count. */
const attemptReleased = z.object({
  at: timestamp,
  attempt: z.number().int().positive(),
  agentId: z.string(),
  durationMs: z.number().nonnegative(),
});

/**
 * A long-lived run's folded state, so that its earlier events may reach the log's maximum age. Published with the
 * expected last sequence of all the run's subjects: nothing stands between the state and this fact. The state is this
 * software's own; only its frame is checked.
 */
const runCarried = z.object({
  at: timestamp,
  state: z.looseObject({ id: z.string(), status: z.string(), lastSeq: z.number().int() }),
});

export const EVENT_SCHEMAS = {
  "run-triggered": runTriggered,
  "run-carried": runCarried,
  "cancel-requested": cancelRequested,
  rescheduled,
  "tags-added": tagsAdded,
  "metadata-updated": metadataUpdated,
  "run-awaited": runAwaited,
  "slot-granted": slotGranted,
  "attempt-lost": attemptLost,
  "child-finished": childFinished,
  "token-completed": tokenCompleted,
  "timer-fired": timerFired,
  "attempt-started": attemptStarted,
  "attempt-resumed": attemptResumed,
  "wait-started": waitStarted,
  "attempt-succeeded": attemptSucceeded,
  "attempt-failed": attemptFailed,
  "attempt-canceled": attemptCanceled,
  "attempt-released": attemptReleased,
} as const;

export type EventType = keyof typeof EVENT_SCHEMAS;

export type EventData<T extends EventType> = z.infer<(typeof EVENT_SCHEMAS)[T]>;

/** Who may state what. A fact found under another role's subject is forged and does not count. */
export const EVENT_ROLES: Readonly<Record<EventType, readonly Role[]>> = {
  "run-triggered": ["client"],
  "run-carried": ["coordinator"],
  "cancel-requested": ["client", "coordinator"],
  rescheduled: ["client"],
  "tags-added": ["client", "meta"],
  "metadata-updated": ["client", "meta"],
  "run-awaited": ["client"],
  "slot-granted": ["coordinator"],
  "attempt-lost": ["coordinator"],
  "child-finished": ["coordinator"],
  "token-completed": ["coordinator"],
  "timer-fired": ["scheduler"],
  "attempt-started": ["agent"],
  "attempt-resumed": ["agent"],
  "wait-started": ["agent"],
  "attempt-succeeded": ["agent"],
  "attempt-failed": ["agent"],
  "attempt-canceled": ["agent"],
  "attempt-released": ["agent"],
};

/** A fact and its place in the log: `seq` is the stream's sequence. */
export type RunEventOf<T extends EventType> = {
  readonly type: T;
  readonly seq: number;
  readonly runId: string;
  readonly data: EventData<T>;
};

export type RunEvent = { [T in EventType]: RunEventOf<T> }[EventType];

export function isEventType(type: string): type is EventType {
  return Object.hasOwn(EVENT_SCHEMAS, type);
}
