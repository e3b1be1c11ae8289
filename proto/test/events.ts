/** Builders of events for tests: a run's log as a list of facts, sequences given in order. */
import type { EventData, EventType, RunEvent, Trigger } from "../src/index.ts";

export const RUN_ID = "run_0000000000a000000000000000b";

export const trigger: Trigger = {
  at: 1000,
  env: "dev",
  taskId: "resize",
  queue: "task/resize",
  payload: { data: '{"n":1}', type: "application/json" },
  tags: [],
  machine: "small-1x",
  isolation: "process",
  pool: "default",
  priorityMs: 0,
  depth: 0,
  isTest: false,
};

export type Fact = { [T in EventType]: readonly [T, EventData<T>] }[EventType];

/** Facts as events, with sequences 1, 2, 3, … */
export function log(...facts: readonly Fact[]): RunEvent[] {
  return facts.map(([type, data], i) => ({ type, seq: i + 1, runId: RUN_ID, data }) as RunEvent);
}

export const triggered = (changes: Partial<Trigger> = {}): Fact => [
  "run-triggered",
  { ...trigger, ...changes },
];
export const started = (attempt = 1, agentId = "a1", changes = {}): Fact => [
  "attempt-started",
  {
    at: 2000,
    attempt,
    agentId,
    claimId: `${agentId}-${attempt}`,
    continues: false,
    maxAttempts: null,
    ...changes,
  },
];
export const succeeded = (attempt = 1, agentId = "a1"): Fact => [
  "attempt-succeeded",
  {
    at: 3000,
    attempt,
    agentId,
    durationMs: 10,
    output: { data: '"done"', type: "application/json" },
  },
];
export const boom = {
  type: "BUILT_IN_ERROR",
  name: "Error",
  message: "boom",
  stackTrace: "at x",
} as const;
export const failed = (
  retry: EventData<"attempt-failed">["retry"] = null,
  attempt = 1,
  agentId = "a1",
): Fact => ["attempt-failed", { at: 3000, attempt, agentId, durationMs: 10, error: boom, retry }];
export const granted = (admission = 1, slotId = "s1"): Fact => [
  "slot-granted",
  { at: 1500, queue: "task/resize", slotId, reply: "$JS.ACK.x", admission },
];
export const lost = (attempt = 1, agentId = "a1"): Fact => [
  "attempt-lost",
  { at: 4000, agentId, attempt },
];
export const released = (attempt = 1, agentId = "a1"): Fact => [
  "attempt-released",
  { at: 4000, agentId, attempt, durationMs: 5 },
];
export const canceled = (attempt = 1, agentId = "a1"): Fact => [
  "attempt-canceled",
  { at: 4000, agentId, attempt, durationMs: 5 },
];
export const cancel: Fact = ["cancel-requested", { at: 2500 }];
export const waitsFor = (index = 0, until = 60_000): Fact => [
  "wait-started",
  {
    at: 2200,
    attempt: 1,
    agentId: "a1",
    index,
    durationMs: 3,
    wait: { kind: "duration", key: `duration:${index}`, until },
  },
];
export const waitsForChildren = (...ids: readonly string[]): Fact =>
  waitsForChildrenOn("a1", ...ids);
export const waitsForChildrenOn = (agentId: string, ...ids: readonly string[]): Fact => [
  "wait-started",
  {
    at: 2200,
    attempt: 1,
    agentId,
    index: 0,
    durationMs: 3,
    wait: {
      kind: "children",
      key: "children",
      batchId: null,
      children: ids.map((runId) => ({ runId, taskId: "child" })),
    },
  },
];
export const childDone = (childIndex: number, id: string, waitIndex = 0): Fact => [
  "child-finished",
  {
    at: 5000,
    waitIndex,
    childIndex,
    result: { ok: true, id, taskIdentifier: "child", outputType: "application/json" },
  },
];
export const fired = (name: string, dueAt: number): Fact => [
  "timer-fired",
  { at: dueAt + 1, name, dueAt },
];
export const resumed = (admission: number, agentId = "a1"): Fact => [
  "attempt-resumed",
  { at: 6000, attempt: 1, agentId, admission },
];
