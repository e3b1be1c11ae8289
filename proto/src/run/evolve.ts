/**
 * `evolve`: how a run's state follows from its events. Pure, total, deterministic; SPEC.md lists the invariants.
 *
 * The table has a row for every status, and a row a cell for every event type: a new one does not compile before the
 * table knows it. A cell that is not named ignores its event: that is how late, repeated and forged facts are fenced. So
 * does one that finds the event does not fit (another attempt, another agent, another admission). `applied` tells.
 */
import type { EventType, RunEvent, RunEventOf } from "../events/events.ts";
import { carried, restored } from "./carried.ts";
import { awaited, metadataUpdated, tagged } from "./facts.ts";
import type { LiveRun, RunState, StateOf, Status } from "./state.ts";
import { executingState, queuedState } from "./states.ts";
import {
  begin,
  expiry,
  failed,
  finish,
  granted,
  isCurrent,
  isLateResult,
  lost,
  rescheduled,
  spend,
  started,
  succeed,
  touch,
  triggered,
} from "./steps.ts";
import {
  answerChild,
  childFinished,
  lostWaiting,
  startWaiting,
  tokenCompleted,
  waitTimerFired,
} from "./waits.ts";
import { TIMER } from "./timers.ts";

type Cell<S extends Status, T extends EventType> = (
  run: StateOf<S>,
  event: RunEventOf<T>,
) => RunState;
type Table = { readonly [S in Status]: { readonly [T in EventType]: Cell<S, T> } };

const ignore = <S extends RunState>(run: S): S => run;

const TRANSITIONS: Table = {
  absent: row("absent", {
    "run-triggered": (_, event) => triggered(event),
    // Its earlier events have reached the log's maximum age.
    "run-carried": (_, { data, seq }) => restored(data, seq),
  }),

  delayed: row("delayed", {
    ...facts<StateOf<"delayed">>(),
    rescheduled: (run, event) => rescheduled(run, event),
    "run-carried": (run, { data, seq }) => carried(run, data.at, seq),
    "timer-fired": (run, { data, seq }) =>
      data.name === TIMER.delay && data.dueAt === run.until
        ? queuedState(run, data.at, seq, data.at)
        : run,
    "cancel-requested": (run, { data, seq }) => finish(run, "canceled", data.at, seq),
  }),

  queued: row("queued", {
    ...facts<StateOf<"queued">>(),
    "run-carried": (run, { data, seq }) => carried(run, data.at, seq),
    "slot-granted": (run, event) => granted(run, event),
    "attempt-started": (run, event) => started(run, event),
    "attempt-resumed": (run, { data, seq }) =>
      run.continues && run.agentId === data.agentId && run.admission === data.admission
        ? executingState(run, data.at, seq, {
            agentId: data.agentId,
            attempt: run.attempt,
            maxAttempts: run.maxAttempts,
            version: run.version,
          })
        : run,
    "attempt-lost": (run, { data, seq }) =>
      run.agentId === data.agentId ? { ...run, ...touch(data.at, seq), agentId: null } : run,
    "attempt-released": (run, { data, seq }) =>
      run.agentId === data.agentId ? { ...run, ...touch(data.at, seq), agentId: null } : run,
    "child-finished": (run, { data, seq }) => {
      const waits = answerChild(run.waits, data);
      return waits ? { ...run, ...touch(data.at, seq), waits } : run;
    },
    // A lost agent's late result counts while nothing has started since.
    "attempt-succeeded": (run, { data, seq }) =>
      isLateResult(run, data) ? succeed(run, data, seq) : run,
    "timer-fired": (run, { data, seq }) =>
      data.name === TIMER.ttl && run.startedAt === null
        ? finish(run, "expired", data.at, seq, expiry(run))
        : run,
    "cancel-requested": (run, { data, seq }) =>
      finish(run, "canceled", data.at, seq, null, run.agentId),
  }),

  executing: row("executing", {
    ...facts<StateOf<"executing">>(),
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
      isCurrent(run, data) && run.cancelRequestedAt === null ? startWaiting(run, data, seq) : run,
    "child-finished": (run, { data, seq }) => {
      const waits = answerChild(run.waits, data);
      return waits ? { ...run, ...touch(data.at, seq), waits } : run;
    },
    "cancel-requested": (run, { data, seq }) =>
      run.cancelRequestedAt === null
        ? { ...run, ...touch(data.at, seq), cancelRequestedAt: data.at }
        : run,
  }),

  retrying: row("retrying", {
    ...facts<StateOf<"retrying">>(),
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
    ...facts<StateOf<"backoff">>(),
    "run-carried": (run, { data, seq }) => carried(run, data.at, seq),
    "timer-fired": (run, { data, seq }) =>
      data.name === TIMER.retry && data.dueAt === run.until
        ? queuedState(run, data.at, seq, run.queuedAt)
        : run,
    "cancel-requested": (run, { data, seq }) => finish(run, "canceled", data.at, seq),
  }),

  waiting: row("waiting", {
    ...facts<StateOf<"waiting">>(),
    "run-carried": (run, { data, seq }) => carried(run, data.at, seq),
    "timer-fired": (run, event) => waitTimerFired(run, TIMER.wait(run.waits.length - 1), event),
    "token-completed": (run, event) => tokenCompleted(run, event),
    "child-finished": (run, event) => childFinished(run, event),
    "attempt-lost": (run, { data, seq }) =>
      isCurrent(run, data) ? lostWaiting(run, data.at, seq) : run,
    // Unlike a lost one, an agent that lives has triggered all the children it says it waits for.
    "attempt-released": (run, { data, seq }) =>
      isCurrent(run, data) ? { ...run, ...touch(data.at, seq), agentId: null } : run,
    "cancel-requested": (run, { data, seq }) =>
      finish(run, "canceled", data.at, seq, null, run.agentId),
  }),

  // Its outcome is final; what is said about it, and who asks for it, is not.
  finished: row("finished", facts<StateOf<"finished">>()),
};

/** The state after `event`. The same object when the event does not apply. */
export function evolve(state: RunState, event: RunEvent): RunState {
  // Messages may be delivered again; what the state has seen is in it.
  if (state.status !== "absent" && event.seq <= state.lastSeq) return state;
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

/** What is said about a run whatever it is doing. */
function facts<S extends LiveRun>(): {
  "tags-added": (run: S, event: RunEventOf<"tags-added">) => S;
  "metadata-updated": (run: S, event: RunEventOf<"metadata-updated">) => S;
  "run-awaited": (run: S, event: RunEventOf<"run-awaited">) => S;
} {
  return { "tags-added": tagged, "metadata-updated": metadataUpdated, "run-awaited": awaited };
}

/** Every status has a cell for every event; those not named are ignored. */
function row<S extends Status>(_status: S, cells: Partial<Table[S]>): Table[S] {
  const all: Record<EventType, unknown> = {
    "run-triggered": ignore,
    "run-carried": ignore,
    "cancel-requested": ignore,
    rescheduled: ignore,
    "tags-added": ignore,
    "metadata-updated": ignore,
    "run-awaited": ignore,
    "slot-granted": ignore,
    "attempt-lost": ignore,
    "child-finished": ignore,
    "token-completed": ignore,
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
