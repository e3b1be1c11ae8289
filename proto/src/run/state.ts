/** What is known about a run: the fold of its events. `SPEC.md` beside this file is its specification. */
import type { EventData } from "../events/events.ts";
import type { ChildResult, Packet, RunError, TokenResult } from "../events/values.ts";

export type Trigger = EventData<"run-triggered">;

/** A concurrency slot this run holds. */
export type Slot = {
  readonly slotId: string;
  readonly queue: string;
  readonly reply: string;
  /** Given in the shard's memory, within this concurrency key (`""`: none); absent: by the broker. */
  readonly key?: string;
};

/** Somebody who waits for this run besides the parent that triggered it. */
export type Waiter = {
  readonly parentRunId: string;
  readonly waitIndex: number;
  readonly childIndex: number;
};

export type JsonObject = { readonly [key: string]: unknown };

/** A durable call of the run's code, in call order. */
export type Wait =
  | {
      readonly kind: "duration";
      readonly key: string;
      readonly until: number;
      readonly done: boolean;
    }
  | {
      readonly kind: "children";
      readonly key: string;
      readonly batchId: string | null;
      readonly children: readonly {
        readonly runId: string;
        readonly taskId: string;
        readonly shared?: boolean | undefined;
        readonly result: ChildResult | null;
      }[];
      /** How many children have no result yet. */
      readonly open: number;
    }
  | {
      readonly kind: "token";
      readonly key: string;
      readonly tokenId: string;
      readonly timeoutAt: number | null;
      readonly result: TokenResult | null;
    };

/** What every run has from its first event on. */
export type RunCore = {
  readonly id: string;
  readonly trigger: Trigger;
  /** Sequence of the `run-triggered` event. */
  readonly triggeredSeq: number;
  /** Sequence of the last event that applied. */
  readonly lastSeq: number;
  /** Sequence of the last message on the run's agent subject, applied or not: what the next claim must expect. */
  readonly agentSeq: number;
  readonly updatedAt: number;
  /** Attempts started so far; the current one's number. */
  readonly attempt: number;
  /** Attempts that ended because their agent was lost. */
  readonly losses: number;
  /** How many times the run has asked to be admitted: the identity of slot requests, dispatches and resumes. */
  readonly admission: number;
  /** From the last claim. */
  readonly maxAttempts: number | null;
  /** The version of the tasks the last claim serves, or the run is locked to; null where there are none. */
  readonly version: string | null;
  readonly startedAt: number | null;
  /** When it was first queued; null while delayed. */
  readonly queuedAt: number | null;
  /** Active milliseconds of all attempts. */
  readonly durationMs: number;
  /** The agent of the last claim: a late result of its attempt still counts. */
  readonly lastAgentId: string | null;
  readonly waits: readonly Wait[];
  /** Active milliseconds of the current attempt before its last wait. */
  readonly attemptMs: number;
  /** The trigger's tags and those added since. */
  readonly tags: readonly string[];
  /** As it is now; null when there never was any. */
  readonly metadata: JsonObject | null;
  readonly waiters: readonly Waiter[];
  /** When the state was last carried forward in the log; null when it never was. */
  readonly carriedAt: number | null;
};

export type Outcome =
  | "completed"
  | "failed"
  | "crashed"
  | "system-failure"
  | "timed-out"
  | "canceled"
  | "expired";

export type Absent = { readonly status: "absent" };
/** Waiting for the end of its delay. */
export type Delayed = RunCore & { readonly status: "delayed"; readonly until: number };
/**
 * Waiting to be admitted, or admitted and waiting for an agent.
 * `continues`: an attempt goes on after a wait; `agentId`: its process still lives there.
 */
export type Queued = RunCore & {
  readonly status: "queued";
  readonly slot: Slot | null;
  readonly continues: boolean;
  readonly agentId: string | null;
};
export type Executing = RunCore & {
  readonly status: "executing";
  readonly slot: Slot | null;
  readonly agentId: string;
  readonly cancelRequestedAt: number | null;
};
/** Between two attempts on the same agent, slot kept. */
export type Retrying = RunCore & {
  readonly status: "retrying";
  readonly slot: Slot | null;
  readonly agentId: string;
  readonly until: number;
};
/** Between two attempts, holding nothing. */
export type Backoff = RunCore & { readonly status: "backoff"; readonly until: number };
/** In the last of `waits`, holding nothing; `agentId`: where its process lives, null when it is gone. */
export type Waiting = RunCore & {
  readonly status: "waiting";
  readonly agentId: string | null;
};
export type Finished = RunCore & {
  readonly status: "finished";
  readonly outcome: Outcome;
  readonly finishedAt: number;
  readonly output: Packet | null;
  readonly error: RunError | null;
  /** An agent that still has a process for this run and must be told. */
  readonly stopAgentId: string | null;
  /** Children that were being waited for and are cancelled with this run. */
  readonly orphans: readonly string[];
};

export type RunState =
  | Absent
  | Delayed
  | Queued
  | Executing
  | Retrying
  | Backoff
  | Waiting
  | Finished;

export type Status = RunState["status"];
export type StateOf<S extends Status> = Extract<RunState, { status: S }>;
export type LiveRun = Exclude<RunState, Absent>;

export const initial: Absent = { status: "absent" };
