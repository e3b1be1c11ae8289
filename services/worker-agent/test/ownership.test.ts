import { expect, test } from "vitest";
import {
  fold,
  initial,
  makeRunId,
  type EventData,
  type EventType,
  type LiveRun,
  type RunEvent,
} from "@millrace/proto";
import { claimDecision, instructionOf, isOwned, type Claimant } from "../src/agent/ownership.ts";

const runId = makeRunId(0, 0, new Uint8Array(10));
const ME = "me";

/** The state after these facts; sequences are 10, 20, 30, … */
function after(...facts: { [T in EventType]: [T, EventData<T>] }[EventType][]): LiveRun {
  const events = facts.map(
    ([type, data], i) => ({ type, data, seq: (i + 1) * 10, runId }) as RunEvent,
  );
  const state = fold(events, initial);
  if (state.status === "absent") throw new Error("no run");
  return state;
}

const triggered: ["run-triggered", EventData<"run-triggered">] = [
  "run-triggered",
  {
    at: 1,
    env: "dev",
    taskId: "t",
    queue: "task/t",
    payload: { type: "application/json" },
    tags: [],
    machine: "small-1x",
    isolation: "process",
    pool: "default",
    priorityMs: 0,
    depth: 0,
    isTest: false,
  },
];
const started = (
  agentId: string,
  attempt = 1,
): ["attempt-started", EventData<"attempt-started">] => [
  "attempt-started",
  { at: 2, attempt, agentId, claimId: "1", continues: false, maxAttempts: 3 },
];
const waited: ["wait-started", EventData<"wait-started">] = [
  "wait-started",
  {
    at: 3,
    attempt: 1,
    agentId: ME,
    index: 0,
    durationMs: 1,
    wait: { kind: "duration", key: "duration:0", until: 9 },
  },
];
const fired: ["timer-fired", EventData<"timer-fired">] = [
  "timer-fired",
  { at: 9, name: "wait-0", dueAt: 9 },
];
const lost: ["attempt-lost", EventData<"attempt-lost">] = [
  "attempt-lost",
  { at: 5, agentId: ME, attempt: 1 },
];
const granted: ["slot-granted", EventData<"slot-granted">] = [
  "slot-granted",
  { at: 6, queue: "task/t", slotId: "s", reply: "r", admission: 2 },
];
const claimant: Claimant = {
  agentId: ME,
  admission: 1,
  triedAttempt: undefined,
  isUnlimited: false,
};

test("a queued run may be claimed, with what its next start must expect", () => {
  const claim = { kind: "claim", attempt: 1, continues: false, lastSeq: 0 };
  expect(claimDecision(after(triggered), claimant)).toEqual(claim);
});

test("a run that somebody has started may not, unless it was this very claim", () => {
  expect(claimDecision(after(triggered, started("other")), claimant).kind).toBe("void");
  expect(claimDecision(after(triggered, started(ME)), claimant).kind).toBe("void");
  const tried = { ...claimant, triedAttempt: 1 };
  expect(claimDecision(after(triggered, started(ME)), tried).kind).toBe("won");
  expect(claimDecision(after(triggered, started("other")), tried).kind).toBe("void");
});

test("a dispatch of an earlier admission needs a slot, or a queue that has no limit", () => {
  const again = after(triggered, started(ME), lost);
  expect(claimDecision(again, claimant).kind).toBe("void");
  const claim = { kind: "claim", attempt: 2, continues: false, lastSeq: 20 };
  expect(claimDecision(again, { ...claimant, admission: 2 })).toEqual(claim);
  expect(claimDecision(again, { ...claimant, isUnlimited: true })).toEqual(claim);
  expect(claimDecision(after(triggered, started(ME), lost, granted), claimant)).toEqual(claim);
});

test("what was read before the dispatch was made decides nothing", () => {
  expect(claimDecision(initial, claimant).kind).toBe("stale");
  expect(claimDecision(after(triggered), { ...claimant, admission: 2 }).kind).toBe("stale");
});

test("a run goes on elsewhere only when its process is gone", () => {
  const second = { ...claimant, admission: 2 };
  const resolved = after(triggered, started(ME), waited, fired);
  expect(claimDecision(resolved, second).kind).toBe("void");
  const orphaned = after(triggered, started(ME), waited, fired, lost);
  expect(claimDecision(orphaned, second)).toEqual({
    kind: "claim",
    attempt: 1,
    continues: true,
    lastSeq: 30,
  });
});

test("whose a run is", () => {
  expect(isOwned(after(triggered), ME)).toBe(false);
  expect(isOwned(after(triggered, started(ME)), ME)).toBe(true);
  expect(isOwned(after(triggered, started(ME)), "other")).toBe(false);
  expect(isOwned(after(triggered, started(ME), waited), ME)).toBe(true);
  expect(isOwned(after(triggered, started(ME), waited, fired), ME)).toBe(true);
  expect(isOwned(after(triggered, started(ME), waited, lost), ME)).toBe(false);
});

test("what a signal makes of a state", () => {
  const cancel: ["cancel-requested", EventData<"cancel-requested">] = [
    "cancel-requested",
    { at: 4 },
  ];
  const resolved = after(triggered, started(ME), waited, fired);
  expect(instructionOf(resolved, ME, 2)).toEqual({ kind: "resume", state: resolved });
  expect(instructionOf(resolved, ME, 1).kind).toBe("none");
  expect(instructionOf(resolved, ME, undefined).kind).toBe("none");
  expect(instructionOf(after(triggered, started(ME), cancel), ME, undefined).kind).toBe("cancel");
  expect(instructionOf(after(triggered, started(ME)), ME, undefined).kind).toBe("none");
  expect(instructionOf(after(triggered, cancel), ME, undefined).kind).toBe("let-go");
  expect(instructionOf(resolved, "other", 2).kind).toBe("let-go");
});
