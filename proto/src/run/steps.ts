/**
 * The steps the table in `evolve.ts` is made of: what becomes of a run when it starts, waits, fails, is lost, ends.
 * Each gives a state of its own and changes none.
 */
import type { EventData, RunEventOf } from "../events/events.ts";
import type { Packet, RunError, WaitRequest } from "../events/values.ts";
import { applyMetadata } from "./metadata.ts";
import { outcomeOf, retriesAfterLoss } from "./outcome.ts";
import { executingState, finishedState, queuedState } from "./states.ts";
import type {
  Executing,
  Delayed,
  Finished,
  JsonObject,
  LiveRun,
  Outcome,
  Queued,
  Retrying,
  RunCore,
  RunState,
  Wait,
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
    startedAt: null,
    queuedAt: null,
    durationMs: 0,
    lastAgentId: null,
    waits: [],
    attemptMs: 0,
    tags: data.tags,
    metadata: data.metadata === undefined ? null : objectOf(data.metadata),
    waiters: NO_WAITERS,
    carriedAt: null,
  };
  return data.delayUntil !== undefined && data.delayUntil > data.at
    ? { ...core, status: "delayed", until: data.delayUntil }
    : queuedState(core, data.at, seq, data.at);
}

/** The JSON object of a packet; null when it holds none. */
function objectOf(packet: Packet): JsonObject | null {
  if (packet.data === undefined) return null;
  try {
    const value: unknown = JSON.parse(packet.data);
    const isWrapped =
      packet.type === "application/super+json" &&
      typeof value === "object" &&
      value !== null &&
      "json" in value;
    const plain: unknown = isWrapped ? value.json : value;
    return typeof plain === "object" && plain !== null && !Array.isArray(plain)
      ? (plain as JsonObject)
      : null;
  } catch {
    return null;
  }
}

/** A state an earlier version carried lacks what that version did not know. */
export function restored<R extends LiveRun>(state: R): R {
  return {
    ...state,
    attemptMs: state.attemptMs ?? 0,
    tags: state.tags ?? state.trigger.tags,
    metadata: state.metadata ?? null,
    waiters: state.waiters ?? NO_WAITERS,
  };
}

export function rescheduled(run: Delayed, { data, seq }: RunEventOf<"rescheduled">): Delayed {
  const { at, until, replace } = data;
  if (!replace) return { ...run, ...touch(at, seq), until };
  const { metadata, maxAttempts, maxDurationSec, ...others } = replace;
  const trigger = { ...run.trigger, ...others };
  if (metadata !== undefined) trigger.metadata = metadata;
  if (maxAttempts !== undefined) trigger.maxAttempts = maxAttempts;
  if (maxDurationSec !== undefined) trigger.maxDurationSec = maxDurationSec;
  return {
    ...run,
    ...touch(at, seq),
    until,
    trigger,
    tags: replace.tags,
    metadata: metadata === undefined ? run.metadata : objectOf(metadata),
  };
}

/** Tags that are there already change nothing. */
export function tagged<R extends LiveRun>(run: R, { data, seq }: RunEventOf<"tags-added">): R {
  const added = data.tags.filter((tag) => !run.tags.includes(tag));
  if (added.length === 0) return run;
  return { ...run, ...touch(data.at, seq), tags: [...run.tags, ...new Set(added)] };
}

/** Not idempotent in itself (an increment counts): the log's sequence tells a repeated one. */
export function metadataUpdated<R extends LiveRun>(
  run: R,
  { data, seq }: RunEventOf<"metadata-updated">,
): R {
  if (seq <= run.lastSeq) return run;
  return {
    ...run,
    ...touch(data.at, seq),
    metadata: applyMetadata(run.metadata ?? {}, data.operations),
  };
}

export function awaited<R extends LiveRun>(run: R, { data, seq }: RunEventOf<"run-awaited">): R {
  const { at, parentRunId, waitIndex, childIndex } = data;
  const isKnown = run.waiters.some(
    (waiter) =>
      waiter.parentRunId === parentRunId &&
      waiter.waitIndex === waitIndex &&
      waiter.childIndex === childIndex,
  );
  if (isKnown) return run;
  const waiters = [...run.waiters, { parentRunId, waitIndex, childIndex }];
  return { ...run, ...touch(at, seq), waiters };
}

/** The same state, whether it was folded from the whole log or begins here. */
export function carried<R extends LiveRun>(run: R, at: number, seq: number): R {
  return { ...run, lastSeq: seq, carriedAt: at };
}

export function started(run: Queued, event: RunEventOf<"attempt-started">): RunState {
  const { data } = event;
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

/** What an attempt has used up when it waits: its limit goes on from there. */
function spendWaiting<R extends RunCore>(run: R, spent: { readonly durationMs: number }): R {
  return { ...spend(run, spent), attemptMs: run.attemptMs + spent.durationMs };
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

/** After a user's error or a crash the code runs again from the top: its durable calls are asked anew. */
export function failed(run: Executing, data: EventData<"attempt-failed">, seq: number): RunState {
  if (run.cancelRequestedAt !== null) return finish(run, "canceled", data.at, seq);
  if (data.retry === null) return finish(run, outcomeOf(data.error), data.at, seq, data.error);
  const { machine } = data.retry;
  const core: RunCore = {
    ...coreOf(run, data.at, seq),
    waits: [],
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

/**
 * The code waits, for something new or, run again after a loss, for what it already waited for: then the answers that
 * have come meanwhile count, and children it had no time to trigger have been triggered by now.
 */
export function startWaiting(
  run: Executing,
  data: EventData<"wait-started">,
  seq: number,
): RunState {
  const last = run.waits.at(-1);
  const isOpen = last !== undefined && !isAnswered(last);
  if (data.index === run.waits.length - 1 && last && isSame(last, data.wait)) {
    const rest = spendWaiting(run, data);
    if (!isOpen) return resume(rest, data.index, last, data.at, seq);
    return { ...coreOf(rest, data.at, seq), status: "waiting", agentId: run.agentId };
  }
  if (data.index !== run.waits.length || isOpen) return run;
  return {
    ...coreOf(spendWaiting(run, data), data.at, seq),
    status: "waiting",
    agentId: run.agentId,
    waits: [...run.waits, openWait(data)],
  };
}

/** A time that comes by itself, or children: whether they were all triggered only the code can tell, run again. */
export function lostWaiting(run: Waiting, at: number, seq: number): RunState {
  if (run.waits.at(-1)?.kind !== "children") return { ...run, ...touch(at, seq), agentId: null };
  return { ...queuedState(run, at, seq, run.queuedAt), continues: true };
}

function isAnswered(wait: Wait): boolean {
  switch (wait.kind) {
    case "duration":
      return wait.done;
    case "children":
      return wait.open === 0;
    case "token":
      return wait.result !== null;
  }
}

function isSame(wait: Wait, asked: WaitRequest): boolean {
  return (
    wait.kind === "children" &&
    asked.kind === "children" &&
    wait.children.length === asked.children.length &&
    wait.children.every((child, i) => child.runId === asked.children[i]?.runId)
  );
}

function openWait(data: EventData<"wait-started">): Wait {
  const { wait } = data;
  if (wait.kind === "duration") return { ...wait, done: false };
  if (wait.kind === "token") return { ...wait, timeoutAt: wait.timeoutAt ?? null, result: null };
  return {
    ...wait,
    children: wait.children.map((child) => ({ ...child, result: null })),
    open: wait.children.length,
  };
}

/** The waits with a child's first result; undefined when it is not one that is waited for. */
export function answerChild(
  waits: readonly Wait[],
  { waitIndex, childIndex, result }: EventData<"child-finished">,
): readonly Wait[] | undefined {
  const wait = waits[waitIndex];
  if (waitIndex !== waits.length - 1 || wait?.kind !== "children") return undefined;
  const child = wait.children[childIndex];
  if (!child || child.result !== null || child.runId !== result.id) return undefined;
  return waits.with(waitIndex, {
    ...wait,
    children: wait.children.with(childIndex, { ...child, result }),
    open: wait.open - 1,
  });
}

export function tokenCompleted(
  run: Waiting,
  { data, seq }: RunEventOf<"token-completed">,
): RunState {
  const index = run.waits.length - 1;
  const wait = run.waits[index];
  if (data.waitIndex !== index || wait?.kind !== "token") return run;
  if (wait.tokenId !== data.tokenId || wait.result !== null) return run;
  return resume(run, index, { ...wait, result: data.result }, data.at, seq);
}

/** The time of a wait has come: what it waited for is there, or will not be waited for any longer. */
export function waitTimerFired(
  run: Waiting,
  name: string,
  { data, seq }: RunEventOf<"timer-fired">,
): RunState {
  const index = run.waits.length - 1;
  const wait = run.waits[index];
  if (data.name !== name || !wait) return run;
  if (wait.kind === "duration") return resume(run, index, { ...wait, done: true }, data.at, seq);
  if (wait.kind !== "token" || wait.result !== null || wait.timeoutAt === null) return run;
  const result = {
    ok: false as const,
    code: "TRIGGER_WAITPOINT_TIMEOUT",
    message: `Waitpoint ${wait.tokenId} timed out at ${new Date(wait.timeoutAt).toISOString()}`,
  };
  return resume(run, index, { ...wait, result }, data.at, seq);
}

export function childFinished(run: Waiting, { data, seq }: RunEventOf<"child-finished">): RunState {
  const waits = answerChild(run.waits, data);
  const wait = waits?.at(-1);
  if (!waits || !wait) return run;
  if (isAnswered(wait)) return resume(run, data.waitIndex, wait, data.at, seq);
  return { ...run, ...touch(data.at, seq), waits };
}

/** Everything it waited for is there: it asks for a slot again, in its old place in time. */
export function resume(
  run: Waiting | Executing,
  index: number,
  wait: Wait,
  at: number,
  seq: number,
): Queued {
  return {
    ...queuedState(run, at, seq, run.queuedAt),
    waits: run.waits.with(index, wait),
    continues: true,
    agentId: run.agentId,
  };
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
