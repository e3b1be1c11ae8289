/**
 * The steps the table in `evolve.ts` is made of: what becomes of a run when it starts, waits, fails, is lost, ends.
 * Each gives a state of its own and changes none.
 */
import type { EventData, RunEventOf } from "../events/events.ts";
import type { RunError } from "../events/values.ts";
import { forkedAnswers, forkedWaits } from "./fork.ts";
import { metadataOf } from "./metadata.ts";
import { outcomeOf, retriesAfterLoss } from "./outcome.ts";
import { executingState, finishedState, queuedState } from "./states.ts";
import type {
  Delayed,
  Executing,
  Finished,
  LiveRun,
  Outcome,
  Queued,
  Retrying,
  RunCore,
  RunState,
  Waiter,
  Waiting,
} from "./state.ts";

const NOBODY: readonly string[] = [];
const NO_WAITERS: readonly Waiter[] = [];

export function touch(at: number, seq: number): { updatedAt: number; lastSeq: number } {
  return { updatedAt: at, lastSeq: seq };
}

/** The fields every status shares, without those of the status it leaves. */
export function coreOf(run: RunCore, at: number, seq: number): RunCore {
  return {
    id: run.id,
    trigger: run.trigger,
    triggeredSeq: run.triggeredSeq,
    lastSeq: seq,
    agentSeq: run.agentSeq,
    updatedAt: at,
    attempt: run.attempt,
    losses: run.losses,
    admission: run.admission,
    maxAttempts: run.maxAttempts,
    version: run.version,
    startedAt: run.startedAt,
    queuedAt: run.queuedAt,
    durationMs: run.durationMs,
    lastAgentId: run.lastAgentId,
    waits: run.waits,
    attemptMs: run.attemptMs,
    tags: run.tags,
    metadata: run.metadata,
    waiters: run.waiters,
    carriedAt: run.carriedAt,
  };
}

export function triggered({ runId, seq, data }: RunEventOf<"run-triggered">): RunState {
  const core: RunCore = {
    id: runId,
    trigger: data,
    triggeredSeq: seq,
    lastSeq: seq,
    agentSeq: 0,
    updatedAt: data.at,
    attempt: 0,
    losses: 0,
    admission: 0,
    maxAttempts: null,
    version: data.version ?? null,
    startedAt: null,
    queuedAt: null,
    durationMs: 0,
    lastAgentId: null,
    waits: forkedWaits(data),
    attemptMs: 0,
    tags: data.tags,
    metadata: metadataOf(data.metadata),
    waiters: NO_WAITERS,
    carriedAt: null,
  };
  return data.delayUntil !== undefined && data.delayUntil > data.at
    ? { ...core, status: "delayed", until: data.delayUntil }
    : queuedState(core, data.at, seq, data.at);
}

/** A delayed run is due at another time: the timer armed for the earlier one is void. */
export function rescheduled(run: Delayed, { data, seq }: RunEventOf<"rescheduled">): Delayed {
  const { at, until, replace } = data;
  if (!replace && until === run.until) return run;
  const trigger = { ...run.trigger, delayUntil: until };
  if (!replace) return { ...run, ...touch(at, seq), until, trigger };
  const { payload, metadata, tags, machine, maxAttempts, maxDurationSec } = replace;
  return {
    ...run,
    ...touch(at, seq),
    until,
    trigger: {
      ...trigger,
      payload,
      tags,
      machine,
      ...(metadata === undefined ? {} : { metadata }),
      ...(maxAttempts === undefined ? {} : { maxAttempts }),
      ...(maxDurationSec === undefined ? {} : { maxDurationSec }),
    },
    tags,
    metadata: metadata === undefined ? run.metadata : metadataOf(metadata),
  };
}

/** The slot is for the admission it was asked for; a run takes no second one. */
export function granted(run: Queued, { data, seq }: RunEventOf<"slot-granted">): Queued {
  if (run.slot !== null || data.admission !== run.admission) return run;
  const { slotId, queue, reply, key } = data;
  const slot = key === undefined ? { slotId, queue, reply } : { slotId, queue, reply, key };
  return { ...run, ...touch(data.at, seq), slot };
}

export function started(run: Queued, event: RunEventOf<"attempt-started">): RunState {
  const { data } = event;
  // Claimed by an agent from which the run has been taken, with the slot.
  if (data.admission !== undefined && data.admission !== run.admission) return run;
  if (!run.continues)
    return data.attempt === run.attempt + 1 && !data.continues ? begin(run, event) : run;
  const mayContinue = data.continues && data.attempt === run.attempt && run.agentId === null;
  return mayContinue ? begin(run, event) : run;
}

export function begin(
  run: Queued | Retrying,
  { data, seq }: RunEventOf<"attempt-started">,
): Executing {
  // A new attempt's time begins at nothing.
  const begun = data.continues || run.attemptMs === 0 ? run : { ...run, attemptMs: 0 };
  return executingState(begun, data.at, seq, data);
}

/** An attempt is named by its number and the agent that claimed it. */
export function isCurrent(
  run: Executing | Retrying | Waiting,
  named: { readonly attempt: number; readonly agentId: string },
): boolean {
  return run.attempt === named.attempt && run.agentId === named.agentId;
}

export function isLateResult(
  run: Queued,
  named: { readonly attempt: number; readonly agentId: string },
): boolean {
  return !run.continues && run.attempt === named.attempt && run.lastAgentId === named.agentId;
}

export function spend<R extends RunCore>(run: R, spent: { readonly durationMs: number }): R {
  return { ...run, durationMs: run.durationMs + spent.durationMs };
}

export function succeed(run: RunCore, data: EventData<"attempt-succeeded">, seq: number): Finished {
  return finishedState(run, data.at, seq, {
    outcome: "completed",
    output: data.output,
    error: null,
    stopAgentId: null,
    orphans: NOBODY,
    durationMs: data.durationMs,
  });
}

/**
 * After a user's error or a crash the code runs again from the top, a fork's from where it begins: its durable calls are
 * asked anew.
 */
export function failed(run: Executing, data: EventData<"attempt-failed">, seq: number): RunState {
  if (run.cancelRequestedAt !== null) return finish(run, "canceled", data.at, seq);
  if (data.retry === null) return finish(run, outcomeOf(data.error), data.at, seq, data.error);
  const { machine } = data.retry;
  const core: RunCore = {
    ...coreOf(run, data.at, seq),
    waits: forkedAnswers(run.trigger),
    ...(machine === undefined ? {} : { trigger: { ...run.trigger, machine } }),
  };
  return data.retry.where === "agent"
    ? { ...core, status: "retrying", slot: run.slot, agentId: run.agentId, until: data.retry.at }
    : { ...core, status: "backoff", until: data.retry.at };
}

/** Finished waits stay: the next attempt is answered from them, so no child runs twice. */
export function lost(
  run: Executing | Retrying,
  data: EventData<"attempt-lost">,
  seq: number,
): RunState {
  if (run.status === "executing" && run.cancelRequestedAt !== null)
    return finish(run, "canceled", data.at, seq);
  if (run.status === "executing" && !retriesAfterLoss(run))
    return finish(run, "failed", data.at, seq, {
      type: "INTERNAL_ERROR",
      code: "TASK_RUN_STALLED_EXECUTING",
      message: `Agent ${data.agentId} was lost during attempt ${data.attempt}`,
    });
  return queuedState({ ...run, losses: run.losses + 1 }, data.at, seq, run.queuedAt);
}

export function expiry(run: Queued): RunError {
  return {
    type: "STRING_ERROR",
    raw: `Run expired because the TTL (${Math.round((run.trigger.ttlMs ?? 0) / 1000)}s) was reached`,
  };
}

export function finish(
  run: LiveRun,
  outcome: Outcome,
  at: number,
  seq: number,
  error: RunError | null = null,
  stopAgentId: string | null = null,
): Finished {
  const isWaitedFor = run.status === "waiting" || outcome === "canceled";
  const pending = isWaitedFor ? run.waits.at(-1) : undefined;
  return finishedState(run, at, seq, {
    outcome,
    output: null,
    error,
    stopAgentId,
    orphans:
      pending?.kind === "children"
        ? pending.children
            .filter((child) => child.result === null && child.shared !== true)
            .map((child) => child.runId)
        : NOBODY,
    durationMs: 0,
  });
}
