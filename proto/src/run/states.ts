/**
 * The states a plain run passes through, each made in one literal: one allocation with one hidden class, where a
 * spread with further fields costs several. Every run of every coordinator, gateway and agent goes through here.
 */
import type { Packet, RunError } from "../events/values.ts";
import type { Executing, Finished, Outcome, Queued, RunCore, Slot } from "./state.ts";

/** Asks to be admitted, anew: whatever was granted to an earlier admission is void. */
export function queuedState(
  run: RunCore,
  at: number,
  seq: number,
  queuedAt: number | null,
): Queued {
  return {
    status: "queued",
    id: run.id,
    trigger: run.trigger,
    triggeredSeq: run.triggeredSeq,
    lastSeq: seq,
    agentSeq: run.agentSeq,
    updatedAt: at,
    attempt: run.attempt,
    losses: run.losses,
    admission: run.admission + 1,
    maxAttempts: run.maxAttempts,
    version: run.version,
    startedAt: run.startedAt,
    queuedAt,
    durationMs: run.durationMs,
    lastAgentId: run.lastAgentId,
    waits: run.waits,
    attemptMs: run.attemptMs,
    tags: run.tags,
    metadata: run.metadata,
    waiters: run.waiters,
    carriedAt: run.carriedAt,
    slot: null,
    continues: false,
    agentId: null,
  };
}

export type Start = {
  readonly agentId: string;
  readonly attempt: number;
  readonly maxAttempts: number | null;
  readonly version?: string | null | undefined;
};

export function executingState(
  run: RunCore & { readonly slot: Slot | null },
  at: number,
  seq: number,
  start: Start,
): Executing {
  return {
    status: "executing",
    id: run.id,
    trigger: run.trigger,
    triggeredSeq: run.triggeredSeq,
    lastSeq: seq,
    agentSeq: run.agentSeq,
    updatedAt: at,
    attempt: start.attempt,
    losses: run.losses,
    admission: run.admission,
    maxAttempts: start.maxAttempts,
    version: start.version ?? run.trigger.version ?? null,
    startedAt: run.startedAt ?? at,
    queuedAt: run.queuedAt,
    durationMs: run.durationMs,
    lastAgentId: start.agentId,
    waits: run.waits,
    attemptMs: run.attemptMs,
    tags: run.tags,
    metadata: run.metadata,
    waiters: run.waiters,
    carriedAt: run.carriedAt,
    slot: run.slot,
    agentId: start.agentId,
    cancelRequestedAt: null,
  };
}

export type End = {
  readonly outcome: Outcome;
  readonly output: Packet | null;
  readonly error: RunError | null;
  readonly stopAgentId: string | null;
  readonly orphans: readonly string[];
  /** What the last attempt adds to the active time. */
  readonly durationMs: number;
};

export function finishedState(run: RunCore, at: number, seq: number, end: End): Finished {
  return {
    status: "finished",
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
    durationMs: run.durationMs + end.durationMs,
    lastAgentId: run.lastAgentId,
    waits: run.waits,
    attemptMs: run.attemptMs,
    tags: run.tags,
    metadata: run.metadata,
    waiters: run.waiters,
    carriedAt: run.carriedAt,
    outcome: end.outcome,
    finishedAt: at,
    output: end.output,
    error: end.error,
    stopAgentId: end.stopAgentId,
    orphans: end.orphans,
  };
}
