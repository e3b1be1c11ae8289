/**
 * `evolve`: how a run's state follows from its events. Pure, total, deterministic; SPEC.md lists the invariants.
 *
 * The table has a row for every status and a cell for every event type, so a missing case does not compile. `ignore`
 * returns the state unchanged: that is how late, repeated and forged facts are fenced. A cell that finds the event
 * does not fit (another attempt, another agent, another admission) returns the same object, too: callers may test
 * `next === state` to learn that an event did not apply.
 */
import type { EventData, EventType, RunEvent, RunEventOf } from "../events/events.ts";
import type { RunError } from "../events/values.ts";
import { outcomeOf, retriesAfterLoss } from "./outcome.ts";
import { executingState, finishedState, queuedState } from "./states.ts";
import type {
  Executing,
  Finished,
  LiveRun,
  Outcome,
  Queued,
  Retrying,
  RunCore,
  RunState,
  StateOf,
  Status,
  Wait,
  Waiting,
} from "./state.ts";

type Cell<S extends Status, T extends EventType> = (
  run: StateOf<S>,
  event: RunEventOf<T>,
) => RunState;
type Table = { readonly [S in Status]: { readonly [T in EventType]: Cell<S, T> } };

const NOBODY: readonly string[] = [];

const ignore = <S extends RunState>(run: S): S => run;

const TRANSITIONS: Table = {
  absent: row("absent", {
    "run-triggered": (_, event) => triggered(event),
    // Its earlier events have reached the log's maximum age.
    "run-carried": (_, { data, seq }) =>
      carried(data.state as unknown as Exclude<LiveRun, Finished>, data.at, seq),
  }),

  delayed: row("delayed", {
    "run-carried": (run, { data, seq }) => carried(run, data.at, seq),
    "timer-fired": (run, { data, seq }) =>
      data.name === TIMER.delay && data.dueAt === run.until
        ? queuedState(run, data.at, seq, data.at)
        : run,
    "cancel-requested": (run, { data, seq }) => finish(run, "canceled", data.at, seq),
  }),

  queued: row("queued", {
    "run-carried": (run, { data, seq }) => carried(run, data.at, seq),
    "slot-granted": (run, { data, seq }) =>
      run.slot === null && data.admission === run.admission
        ? {
            ...run,
            ...touch(data.at, seq),
            slot: { slotId: data.slotId, queue: data.queue, reply: data.reply },
          }
        : run,
    "attempt-started": (run, event) => started(run, event),
    "attempt-resumed": (run, { data, seq }) =>
      run.continues && run.agentId === data.agentId && run.admission === data.admission
        ? executingState(run, data.at, seq, {
            agentId: data.agentId,
            attempt: run.attempt,
            maxAttempts: run.maxAttempts,
          })
        : run,
    "attempt-lost": (run, { data, seq }) =>
      run.agentId === data.agentId ? { ...run, ...touch(data.at, seq), agentId: null } : run,
    "attempt-released": (run, { data, seq }) =>
      run.agentId === data.agentId ? { ...run, ...touch(data.at, seq), agentId: null } : run,
    // A lost agent's late result counts while nothing has started since.
    "attempt-succeeded": (run, { data, seq }) =>
      isLateResult(run, data) ? succeed(run, data, seq) : run,
    "timer-fired": (run, { data, seq }) =>
      data.name === TIMER.ttl && run.attempt === 0
        ? finish(run, "expired", data.at, seq, expiry(run))
        : run,
    "cancel-requested": (run, { data, seq }) =>
      finish(run, "canceled", data.at, seq, null, run.agentId),
  }),

  executing: row("executing", {
    "run-carried": (run, { data, seq }) => carried(run, data.at, seq),
    "attempt-succeeded": (run, { data, seq }) =>
      isCurrent(run, data) ? succeed(run, data, seq) : run,
    "attempt-failed": (run, { data, seq }) =>
      isCurrent(run, data) ? failed(spend(run, data), data, seq) : run,
    "attempt-canceled": (run, { data, seq }) =>
      isCurrent(run, data) ? finish(spend(run, data), "canceled", data.at, seq) : run,
    "attempt-released": (run, { data, seq }) => {
      if (!isCurrent(run, data)) return run;
      const rest = spend(run, data);
      if (run.cancelRequestedAt !== null) return finish(rest, "canceled", data.at, seq);
      return queuedState(
        { ...rest, attempt: run.attempt - 1, lastAgentId: null },
        data.at,
        seq,
        run.queuedAt,
      );
    },
    "attempt-lost": (run, { data, seq }) => (isCurrent(run, data) ? lost(run, data, seq) : run),
    "wait-started": (run, { data, seq }) =>
      isCurrent(run, data) && data.index === run.waits.length && run.cancelRequestedAt === null
        ? {
            ...coreOf(spend(run, data), data.at, seq),
            status: "waiting",
            agentId: run.agentId,
            waits: [...run.waits, openWait(data)],
          }
        : run,
    "cancel-requested": (run, { data, seq }) =>
      run.cancelRequestedAt === null
        ? { ...run, ...touch(data.at, seq), cancelRequestedAt: data.at }
        : run,
  }),

  retrying: row("retrying", {
    "run-carried": (run, { data, seq }) => carried(run, data.at, seq),
    "attempt-started": (run, event) =>
      event.data.agentId === run.agentId && event.data.attempt === run.attempt + 1
        ? begin(run, event)
        : run,
    "attempt-lost": (run, { data, seq }) => (isCurrent(run, data) ? lost(run, data, seq) : run),
    "attempt-released": (run, { data, seq }) =>
      isCurrent(run, data) ? queuedState(run, data.at, seq, run.queuedAt) : run,
    "cancel-requested": (run, { data, seq }) =>
      finish(run, "canceled", data.at, seq, null, run.agentId),
  }),

  backoff: row("backoff", {
    "run-carried": (run, { data, seq }) => carried(run, data.at, seq),
    "timer-fired": (run, { data, seq }) =>
      data.name === TIMER.retry && data.dueAt === run.until
        ? queuedState(run, data.at, seq, run.queuedAt)
        : run,
    "cancel-requested": (run, { data, seq }) => finish(run, "canceled", data.at, seq),
  }),

  waiting: row("waiting", {
    "run-carried": (run, { data, seq }) => carried(run, data.at, seq),
    "timer-fired": (run, { data, seq }) => {
      const index = run.waits.length - 1;
      const wait = run.waits[index];
      if (wait?.kind !== "duration" || data.name !== TIMER.wait(index)) return run;
      return resume(run, index, { ...wait, done: true }, data.at, seq);
    },
    "child-finished": (run, event) => childFinished(run, event),
    "attempt-lost": (run, { data, seq }) =>
      isCurrent(run, data) ? { ...run, ...touch(data.at, seq), agentId: null } : run,
    "attempt-released": (run, { data, seq }) =>
      isCurrent(run, data) ? { ...run, ...touch(data.at, seq), agentId: null } : run,
    "cancel-requested": (run, { data, seq }) =>
      finish(run, "canceled", data.at, seq, null, run.agentId),
  }),

  finished: row("finished", {}),
};

/** Names of a run's durable timers. */
export const TIMER = {
  delay: "delay",
  ttl: "ttl",
  retry: "retry",
  wait: (index: number): string => `wait-${index}`,
} as const;

/** The state after `event`. The same object when the event does not apply. */
export function evolve(state: RunState, event: RunEvent): RunState {
  const cell = TRANSITIONS[state.status][event.type] as Cell<Status, EventType>;
  const next = cell(state, event);
  // Every message on the agent subject moves the sequence the next claim must expect, whether it applied or not.
  if (next.status === "absent" || !isAgentEvent(event.type)) return next;
  if (next === state) return { ...next, agentSeq: event.seq };
  // The next state is this event's own: nobody else has seen it yet.
  (next as { agentSeq: number }).agentSeq = event.seq;
  return next;
}

/** Whether `event` changed anything but the sequence the next claim must expect. */
export function applied(before: RunState, after: RunState): boolean {
  if (before === after) return false;
  return before.status === "absent" || after.status === "absent"
    ? true
    : before.lastSeq !== after.lastSeq;
}

/** Every status has a cell for every event; those not named are ignored. */
function row<S extends Status>(_status: S, cells: Partial<Table[S]>): Table[S] {
  const all: Record<EventType, unknown> = {
    "run-triggered": ignore,
    "run-carried": ignore,
    "cancel-requested": ignore,
    "slot-granted": ignore,
    "attempt-lost": ignore,
    "child-finished": ignore,
    "timer-fired": ignore,
    "attempt-started": ignore,
    "attempt-resumed": ignore,
    "wait-started": ignore,
    "attempt-succeeded": ignore,
    "attempt-failed": ignore,
    "attempt-canceled": ignore,
    "attempt-released": ignore,
  };
  return { ...all, ...cells } as Table[S];
}

const AGENT_EVENTS: ReadonlySet<EventType> = new Set<EventType>([
  "attempt-started",
  "attempt-resumed",
  "wait-started",
  "attempt-succeeded",
  "attempt-failed",
  "attempt-canceled",
  "attempt-released",
]);

function isAgentEvent(type: EventType): boolean {
  return AGENT_EVENTS.has(type);
}

function touch(at: number, seq: number): { updatedAt: number; lastSeq: number } {
  return { updatedAt: at, lastSeq: seq };
}

/** The fields every status shares, without those of the status it leaves. */
function coreOf(run: RunCore, at: number, seq: number): RunCore {
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
    carriedAt: run.carriedAt,
  };
}

function triggered({ runId, seq, data }: RunEventOf<"run-triggered">): RunState {
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
    carriedAt: null,
  };
  return data.delayUntil !== undefined && data.delayUntil > data.at
    ? { ...core, status: "delayed", until: data.delayUntil }
    : queuedState(core, data.at, seq, data.at);
}

/** The same state, whether it was folded from the whole log or begins here. */
function carried<R extends LiveRun>(run: R, at: number, seq: number): R {
  return { ...run, lastSeq: seq, carriedAt: at };
}

function started(run: Queued, event: RunEventOf<"attempt-started">): RunState {
  const { data } = event;
  if (!run.continues)
    return data.attempt === run.attempt + 1 && !data.continues ? begin(run, event) : run;
  const mayContinue = data.continues && data.attempt === run.attempt && run.agentId === null;
  return mayContinue ? begin(run, event) : run;
}

function begin(run: Queued | Retrying, { data, seq }: RunEventOf<"attempt-started">): Executing {
  return executingState(run, data.at, seq, data);
}

/** An attempt is named by its number and the agent that claimed it. */
function isCurrent(
  run: Executing | Retrying | Waiting,
  named: { readonly attempt: number; readonly agentId: string },
): boolean {
  return run.attempt === named.attempt && run.agentId === named.agentId;
}

function isLateResult(
  run: Queued,
  named: { readonly attempt: number; readonly agentId: string },
): boolean {
  return !run.continues && run.attempt === named.attempt && run.lastAgentId === named.agentId;
}

function spend<R extends RunCore>(run: R, spent: { readonly durationMs: number }): R {
  return { ...run, durationMs: run.durationMs + spent.durationMs };
}

function succeed(run: RunCore, data: EventData<"attempt-succeeded">, seq: number): Finished {
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
function failed(run: Executing, data: EventData<"attempt-failed">, seq: number): RunState {
  if (run.cancelRequestedAt !== null) return finish(run, "canceled", data.at, seq);
  if (data.retry === null) return finish(run, outcomeOf(data.error), data.at, seq, data.error);
  const core = { ...coreOf(run, data.at, seq), waits: [] };
  return data.retry.where === "agent"
    ? { ...core, status: "retrying", slot: run.slot, agentId: run.agentId, until: data.retry.at }
    : { ...core, status: "backoff", until: data.retry.at };
}

/** Finished waits stay: the next attempt is answered from them, so no child runs twice. */
function lost(run: Executing | Retrying, data: EventData<"attempt-lost">, seq: number): RunState {
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

function openWait(data: EventData<"wait-started">): Wait {
  const { wait } = data;
  if (wait.kind === "duration") return { ...wait, done: false };
  return {
    ...wait,
    children: wait.children.map((child) => ({ ...child, result: null })),
    open: wait.children.length,
  };
}

function childFinished(run: Waiting, { data, seq }: RunEventOf<"child-finished">): RunState {
  const wait = run.waits[data.waitIndex];
  if (data.waitIndex !== run.waits.length - 1 || wait?.kind !== "children") return run;
  const child = wait.children[data.childIndex];
  if (!child || child.result !== null || child.runId !== data.result.id) return run;
  const answered: Wait = {
    ...wait,
    children: wait.children.with(data.childIndex, { ...child, result: data.result }),
    open: wait.open - 1,
  };
  if (answered.open === 0) return resume(run, data.waitIndex, answered, data.at, seq);
  return {
    ...run,
    ...touch(data.at, seq),
    waits: run.waits.with(data.waitIndex, answered),
  };
}

/** Everything it waited for is there: it asks for a slot again, in its old place in time. */
function resume(run: Waiting, index: number, wait: Wait, at: number, seq: number): Queued {
  return {
    ...queuedState(run, at, seq, run.queuedAt),
    waits: run.waits.with(index, wait),
    continues: true,
    agentId: run.agentId,
  };
}

function expiry(run: Queued): RunError {
  return {
    type: "STRING_ERROR",
    raw: `Run expired because the TTL (${Math.round((run.trigger.ttlMs ?? 0) / 1000)}s) was reached`,
  };
}

function finish(
  run: LiveRun,
  outcome: Outcome,
  at: number,
  seq: number,
  error: RunError | null = null,
  stopAgentId: string | null = null,
): Finished {
  const pending = run.status === "waiting" ? run.waits.at(-1) : undefined;
  return finishedState(run, at, seq, {
    outcome,
    output: null,
    error,
    stopAgentId,
    orphans:
      pending?.kind === "children"
        ? pending.children.filter((child) => child.result === null).map((child) => child.runId)
        : NOBODY,
    durationMs: 0,
  });
}
