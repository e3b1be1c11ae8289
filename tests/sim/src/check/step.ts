/**
 * The invariants of `proto/src/run/SPEC.md` as checks of one step of a run's fold, under their numbers.
 *
 * They are asked of what `evolve` gave, in terms of states and facts alone: a rule that is broken there is not made right
 * by being broken here, too.
 */
import {
  evolve,
  obligations,
  type LiveRun,
  type RunEvent,
  type RunState,
  type Slot,
  type Wait,
} from "@millrace/proto";
import { promise } from "./violation.ts";

type Check = (before: LiveRun, event: RunEvent, after: LiveRun) => void;

const SAID_OF_IT: ReadonlySet<string> = new Set(["tags-added", "metadata-updated", "run-awaited"]);
const ENDS_AN_ATTEMPT: ReadonlySet<string> = new Set([
  "attempt-succeeded",
  "attempt-failed",
  "attempt-canceled",
  "attempt-released",
  "attempt-lost",
  "wait-started",
]);
const HOLDERS: ReadonlySet<string> = new Set(["queued", "executing", "retrying"]);

/** @throws Violation */
export function checkStep(before: RunState, event: RunEvent, after: RunState): void {
  if (after.status === "absent") {
    promise("1", before.status === "absent", () => `${event.type} made the run disappear`);
    return;
  }
  checkState(event, after);
  if (before.status === "absent") return;
  for (const check of STEPS) check(before, event, after);
}

function checkState(event: RunEvent, after: LiveRun): void {
  const slot = slotOf(after);
  promise("5", slot === null || HOLDERS.has(after.status), () => `${after.status} holds a slot`);
  for (const [i, wait] of after.waits.entries())
    checkWait(wait, i === after.waits.length - 1, after);
  const kinds = obligations(after).map(({ kind }) => kind);
  if (after.status === "finished")
    promise(
      "13",
      kinds.every((kind) => kind === "tell-parent" || kind === "signal" || kind === "cancel-child"),
      () => `a finished run owes ${kinds.join()}`,
    );
  else if (after.status === "waiting" && after.waits.at(-1)?.kind === "children")
    promise(
      "12",
      after.agentId === null || kinds.includes("watch-agent"),
      () => "nobody watches the agent of a parent that waits",
    );
  else promise("12", kinds.length > 0, () => `nobody cares for a run that is ${after.status}`);
  promise("12", slot === null || kinds.includes("hold-slot"), () => "nobody keeps the run's slot");
  const again = evolve(after, event);
  promise("14", sameBut(again, after), () => `${event.type} seen twice changes the run`);
}

function checkWait(wait: Wait, isLast: boolean, run: LiveRun): void {
  const open = openIn(wait);
  if (wait.kind === "children")
    promise(
      "8",
      wait.open === open,
      () => `${wait.open} children are said to be open, ${open} are`,
    );
  promise("7", isLast || open === 0, () => "a wait before the last one is open");
  if (wait.kind !== "children" && open > 0)
    promise(
      "7",
      run.status === "waiting" || run.status === "finished",
      () => `open while ${run.status}`,
    );
}

const STEPS: readonly Check[] = [
  function isFinal(before, event, after) {
    if (before.status !== "finished") return;
    const isSame =
      after.status === "finished" &&
      after.outcome === before.outcome &&
      after.output === before.output &&
      after.error === before.error &&
      after.finishedAt === before.finishedAt &&
      after.durationMs === before.durationMs;
    promise("3", isSame, () => `${event.type} changed a finished run`);
    if (!SAID_OF_IT.has(event.type))
      promise("3", after.lastSeq === before.lastSeq, () => `${event.type} touched a finished run`);
  },
  function isFenced(before, event, after) {
    if (before.status !== "executing" || !ENDS_AN_ATTEMPT.has(event.type)) return;
    const { attempt, agentId } = event.data as { attempt: number; agentId: string };
    const isCurrent = attempt === before.attempt && agentId === before.agentId;
    const about = `${event.type} of attempt ${attempt} by ${agentId}`;
    if (!isCurrent)
      promise(
        "4",
        sameBut(after, before),
        () => `${about} moved attempt ${before.attempt} of ${before.agentId}`,
      );
    if (isCurrent && event.type === "attempt-succeeded")
      promise("4", after.status === "finished", () => `${about} did not end the run`);
  },
  function keepsSlots(before, event, after) {
    const [had, has] = [slotOf(before), slotOf(after)];
    if (had && has)
      promise("5", had.slotId === has.slotId, () => "a slot took the place of another");
    if (had || !has) return;
    const isGranted = event.type === "slot-granted" && event.data.admission === before.admission;
    promise("5", isGranted, () => `${event.type} gave a slot`);
  },
  function countsAdmissions(before, event, after) {
    if (after.status !== "queued" || before.status === "queued") return;
    const { admission } = after;
    promise(
      "6",
      admission > before.admission,
      () => `${event.type} queued admission ${admission} again`,
    );
  },
  function growsByWaits(before, event, after) {
    if (after.waits.length <= before.waits.length || event.type === "run-carried") return;
    promise("7", event.type === "wait-started", () => `${event.type} began a wait`);
    promise("7", after.waits.length === before.waits.length + 1, () => "two waits at once");
  },
  function keepsChildren(before, event, after) {
    const known = before.waits.at(-1);
    const now = after.waits[before.waits.length - 1];
    if (known?.kind !== "children" || now?.kind !== "children") return;
    for (const [i, { runId, result }] of known.children.entries()) {
      const child = now.children[i];
      promise("8", child?.runId === runId, () => `${event.type} put another child in a wait`);
      promise("8", result === null || child?.result === result, () => `a child was answered twice`);
    }
  },
  function takesLateResults(before, event, after) {
    if (before.status !== "queued" || event.type !== "attempt-succeeded" || before.continues)
      return;
    const { attempt, agentId } = event.data;
    if (attempt !== before.attempt || agentId !== before.lastAgentId || attempt === 0) return;
    promise("9", after.status === "finished", () => "a result that came late does not count");
  },
  function countsAttempts(before, event, after) {
    const mayFall = event.type === "attempt-released";
    promise(
      "10",
      after.attempt >= before.attempt || mayFall,
      () => `${event.type} took back an attempt`,
    );
    if (
      event.type === "attempt-started" &&
      after.status === "executing" &&
      before.status !== "executing"
    )
      promise(
        "10",
        after.attempt === event.data.attempt,
        () => "the attempt that started is another",
      );
  },
  function cancels(before, event, after) {
    if (before.status === "finished") return;
    if (event.type === "cancel-requested" && before.status !== "executing")
      promise(
        "11",
        after.status === "finished" && after.outcome === "canceled",
        () => `a run that was ${before.status} goes on after its cancellation`,
      );
    if (before.status !== "executing" || before.cancelRequestedAt === null) return;
    const goesOn = after.status === "executing" && after.cancelRequestedAt !== null;
    promise("11", goesOn || after.status === "finished", () => `canceled, it is ${after.status}`);
  },
  function onlyAdds(before, event, after) {
    const waiters = after.waiters.slice(0, before.waiters.length);
    promise("17", waiters.length === before.waiters.length, () => `${event.type} removed a waiter`);
  },
];

export function slotOf(run: RunState): Slot | null {
  return "slot" in run ? run.slot : null;
}

/** The same but for what a message of a late agent may move. */
function sameBut(a: RunState, b: LiveRun): boolean {
  return (
    a.status === b.status &&
    a.lastSeq === b.lastSeq &&
    a.attempt === b.attempt &&
    a.admission === b.admission &&
    a.waits === b.waits &&
    slotOf(a) === slotOf(b)
  );
}

function openIn(wait: Wait): number {
  if (wait.kind === "duration") return Number(!wait.done);
  if (wait.kind === "token") return Number(wait.result === null);
  return wait.children.filter(({ result }) => result === null).length;
}
