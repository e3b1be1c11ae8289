/**
 * What the platform must do about a run, as a function of its state.
 *
 * The coordinator performs what `diff` adds and ends what it removes, after every event and, from nothing, when it
 * takes a shard over. Every obligation has a key that names it within its run; performing one twice is harmless.
 */
import type { ChildResult } from "../events/values.ts";
import { TIMER } from "./timers.ts";
import type {
  Executing,
  Finished,
  Queued,
  RunState,
  Slot,
  Trigger,
  Waiter,
  Waiting,
} from "./state.ts";

export type Obligation =
  /** Keep a durable timer armed. Ends: disarm it. */
  | { readonly kind: "timer"; readonly key: string; readonly name: string; readonly at: number }
  /** Get the run past its gates, then launch it. Ends: it waits no longer. */
  | { readonly kind: "admit"; readonly key: string }
  /** Hand the admitted run to an agent, or to the agent that holds its process. Ends: withdraw it. */
  | { readonly kind: "launch"; readonly key: string }
  /** Keep the slot. Ends: give it back. */
  | { readonly kind: "hold-slot"; readonly key: string; readonly slot: Slot }
  /** Notice when this agent is lost. */
  | { readonly kind: "watch-agent"; readonly key: string; readonly agentId: string }
  /** Tell the agent to stop the run's code, or to let go of its waiting process. */
  | {
      readonly kind: "signal";
      readonly key: string;
      readonly agentId: string;
      readonly signal: "cancel" | "stop";
    }
  /** State in the log that the token was completed, when it is. */
  | {
      readonly kind: "await-token";
      readonly key: string;
      readonly waitIndex: number;
      readonly tokenId: string;
    }
  /** State the result in the waiting parent's log. */
  | {
      readonly kind: "tell-parent";
      readonly key: string;
      readonly parentRunId: string;
      readonly waitIndex: number;
      readonly childIndex: number;
      readonly result: ChildResult;
    }
  /** Cancel a child nobody waits for any more. */
  | { readonly kind: "cancel-child"; readonly key: string; readonly childRunId: string };

const NONE: readonly Obligation[] = [];

export function obligations(state: RunState): readonly Obligation[] {
  switch (state.status) {
    case "absent":
      return NONE;
    case "delayed":
      return [timer(TIMER.delay, state.until)];
    case "queued":
      return queued(state);
    case "executing":
      return executing(state);
    case "retrying":
      return state.slot ? [watch(state.agentId), hold(state.slot)] : [watch(state.agentId)];
    case "backoff":
      return [timer(TIMER.retry, state.until)];
    case "waiting":
      return waiting(state);
    case "finished":
      return finished(state);
  }
}

export type ObligationDiff = {
  readonly begin: readonly Obligation[];
  readonly end: readonly Obligation[];
};

/** What to begin and what to end when obligations change from `before` to `after`. Same key: nothing to do. */
export function diff(before: readonly Obligation[], after: readonly Obligation[]): ObligationDiff {
  if (before.length === 0) return { begin: after, end: NONE };
  if (after.length === 0) return { begin: NONE, end: before };
  return {
    begin: after.filter((o) => !before.some((b) => b.key === o.key)),
    end: before.filter((o) => !after.some((a) => a.key === o.key)),
  };
}

function queued(state: Queued): readonly Obligation[] {
  const list: Obligation[] = [];
  if (state.slot === null) {
    list.push({ kind: "admit", key: `admit:${state.admission}:${state.agentId ?? ""}` });
  } else {
    list.push({ kind: "launch", key: `launch:${state.admission}:${state.agentId ?? ""}` });
    list.push(hold(state.slot));
  }
  if (state.agentId !== null) list.push(watch(state.agentId));
  const { ttlMs } = state.trigger;
  if (ttlMs !== undefined && state.startedAt === null && state.queuedAt !== null)
    list.push(timer(TIMER.ttl, state.queuedAt + ttlMs));
  return list;
}

function executing(state: Executing): readonly Obligation[] {
  const { agentId } = state;
  const list: Obligation[] = [watch(agentId)];
  if (state.slot) list.push(hold(state.slot));
  if (state.cancelRequestedAt !== null)
    list.push({ kind: "signal", key: `cancel:${agentId}`, agentId, signal: "cancel" });
  return list;
}

/** Children that are waited for are their own coordinators' business. */
function waiting(state: Waiting): readonly Obligation[] {
  const list: Obligation[] = state.agentId === null ? [] : [watch(state.agentId)];
  const index = state.waits.length - 1;
  const wait = state.waits[index];
  if (wait?.kind === "duration") list.push(timer(TIMER.wait(index), wait.until));
  if (wait?.kind === "token") {
    const { tokenId, timeoutAt } = wait;
    list.push({ kind: "await-token", key: `token:${index}`, waitIndex: index, tokenId });
    if (timeoutAt !== null) list.push(timer(TIMER.wait(index), timeoutAt));
  }
  return list;
}

function finished(state: Finished): readonly Obligation[] {
  const { waiters, stopAgentId, orphans } = state;
  const caller = callerOf(state.trigger.parent);
  if (!caller && waiters.length === 0 && stopAgentId === null && orphans.length === 0) return NONE;
  const list: Obligation[] = [];
  if (caller || waiters.length > 0) {
    const result = resultOf(state);
    if (caller) list.push({ kind: "tell-parent", key: "tell-parent", ...caller, result });
    for (const waiter of waiters) {
      const key = `tell:${waiter.parentRunId}:${waiter.waitIndex}:${waiter.childIndex}`;
      list.push({ kind: "tell-parent", key, ...waiter, result });
    }
  }
  if (stopAgentId !== null)
    list.push({
      kind: "signal",
      key: `stop:${stopAgentId}`,
      agentId: stopAgentId,
      signal: "stop",
    });
  for (const childRunId of orphans)
    list.push({ kind: "cancel-child", key: `cancel-child:${childRunId}`, childRunId });
  return list;
}

/** The wait this run answers; undefined when its parent does not wait for it. */
function callerOf(parent: Trigger["parent"]): Waiter | undefined {
  if (parent?.waitIndex === undefined || parent.childIndex === undefined) return undefined;
  const { runId: parentRunId, waitIndex, childIndex } = parent;
  return { parentRunId, waitIndex, childIndex };
}

/** What a parent, or anyone who waits for this run, is told. */
export function resultOf(state: Finished): ChildResult {
  const { id } = state;
  const taskIdentifier = state.trigger.taskId;
  if (state.outcome === "completed")
    return {
      ok: true,
      id,
      taskIdentifier,
      ...(state.output?.data === undefined ? {} : { output: state.output.data }),
      outputType: state.output?.type ?? "application/json",
    };
  const error = state.error ?? {
    type: "INTERNAL_ERROR" as const,
    code: state.outcome === "canceled" ? "TASK_RUN_CANCELLED" : "UNSPECIFIED_ERROR",
    message: state.outcome === "canceled" ? "Run was canceled" : `Run ended: ${state.outcome}`,
  };
  return { ok: false, id, taskIdentifier, error };
}

function timer(name: string, at: number): Obligation {
  return { kind: "timer", key: `timer:${name}:${at}`, name, at };
}

function hold(slot: Slot): Obligation {
  return { kind: "hold-slot", key: `slot:${slot.slotId}`, slot };
}

function watch(agentId: string): Obligation {
  return { kind: "watch-agent", key: `agent:${agentId}`, agentId };
}
