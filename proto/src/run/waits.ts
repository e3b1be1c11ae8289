/** How a run's code waits, durably, and goes on: for a time, for runs it triggered, for a token. */
import type { EventData, RunEventOf } from "../events/events.ts";
import type { TokenResult, WaitRequest } from "../events/values.ts";
import { isAnswered } from "./fork.ts";
import { queuedState } from "./states.ts";
import type { Executing, Queued, RunCore, RunState, Wait, Waiting } from "./state.ts";
import { coreOf, touch } from "./steps.ts";

/**
 * The code waits, for something new or, run again after a loss, for what it already waited for: then the answers that
 * have come meanwhile count, and children it had no time to trigger have been triggered by now. What was said before the
 * run went on from there is a repetition.
 */
export function startWaiting(
  run: Executing,
  data: EventData<"wait-started">,
  seq: number,
): RunState {
  if (data.admission !== undefined && data.admission < run.admission) return run;
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

/**
 * A time comes by itself, and so does a token. Whether the children it waits for were all triggered only the code can
 * tell, run again.
 */
export function lostWaiting(run: Waiting, at: number, seq: number): RunState {
  if (run.waits.at(-1)?.kind !== "children") return { ...run, ...touch(at, seq), agentId: null };
  return { ...queuedState(run, at, seq, run.queuedAt), continues: true };
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
  if (wait.tokenId !== data.tokenId) return run;
  return resume(run, index, { ...wait, result: data.result }, data.at, seq);
}

/**
 * The time of a wait has come: what it waited for is there, or will not be waited for any longer. An earlier attempt's
 * wait may have had a timer of the same name.
 */
export function waitTimerFired(
  run: Waiting,
  name: string,
  { data, seq }: RunEventOf<"timer-fired">,
): RunState {
  const index = run.waits.length - 1;
  const wait = run.waits[index];
  if (data.name !== name || !wait) return run;
  if (wait.kind === "duration")
    return data.dueAt === wait.until
      ? resume(run, index, { ...wait, done: true }, data.at, seq)
      : run;
  if (wait.kind !== "token" || wait.timeoutAt === null || data.dueAt !== wait.timeoutAt) return run;
  const result: TokenResult = {
    ok: false,
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

/** What an attempt has used up when it waits: its limit goes on from there. */
function spendWaiting<R extends RunCore>(
  run: R,
  { durationMs }: { readonly durationMs: number },
): R {
  return {
    ...run,
    durationMs: run.durationMs + durationMs,
    attemptMs: run.attemptMs + durationMs,
  };
}
