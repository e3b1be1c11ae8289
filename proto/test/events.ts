/** Builders of events for tests: a run's log as a list of facts, sequences given in order. */
import type { EventData, EventType, MetadataOperation, RunEvent, Trigger } from "../src/index.ts";

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
/** Granted in the shard's memory: to a run of this concurrency key, or, with `""`, of none. */
export const grantedIn = (key: string, admission = 1, slotId = "s1"): Fact => [
  "slot-granted",
  { at: 1500, queue: "task/resize", slotId, reply: "", admission, key, rated: true },
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
export const waitsForChildrenOn = (agentId: string, ...ids: readonly string[]): Fact =>
  waitsForChildrenBy(agentId, 0, ids);
export const waitsForChildrenAt = (index: number, ...ids: readonly string[]): Fact =>
  waitsForChildrenBy("a1", index, ids);
const waitsForChildrenBy = (agentId: string, index: number, ids: readonly string[]): Fact => [
  "wait-started",
  {
    at: 2200,
    attempt: 1,
    agentId,
    index,
    durationMs: 3,
    wait: {
      kind: "children",
      key: "children",
      batchId: null,
      children: ids.map((runId) => ({
        runId,
        taskId: "child",
        ...(runId.startsWith("shared") ? { shared: true } : {}),
      })),
    },
  },
];
/** Where a fork begins: a wait is over, and of two children one has ended. */
export const forked: NonNullable<Trigger["fork"]> = {
  runId: "r0",
  seq: 7,
  waits: [
    { kind: "duration", key: "duration:0", until: 500, done: true },
    {
      kind: "children",
      key: "children",
      batchId: "b1",
      children: [
        {
          runId: "c1",
          taskId: "child",
          result: { ok: true, id: "c1", taskIdentifier: "child", outputType: "application/json" },
        },
        { runId: "c9", taskId: "child", result: null },
      ],
      open: 1,
    },
  ],
};
export const waitsForToken = (tokenId = "t1", timeoutAt?: number, index = 0): Fact => [
  "wait-started",
  {
    at: 2200,
    attempt: 1,
    agentId: "a1",
    index,
    durationMs: 3,
    wait: {
      kind: "token",
      key: `token:${tokenId}`,
      tokenId,
      ...(timeoutAt === undefined ? {} : { timeoutAt }),
    },
  },
];
export const tokenDone = (tokenId = "t1", waitIndex = 0): Fact => [
  "token-completed",
  {
    at: 5500,
    waitIndex,
    tokenId,
    result: { ok: true, output: '"yes"', outputType: "application/json" },
  },
];
export const rescheduled = (until: number, replace?: EventData<"rescheduled">["replace"]): Fact => [
  "rescheduled",
  { at: 1200, until, ...(replace ? { replace } : {}) },
];
/** What a later trigger with the same debounce key brings. */
export const replacement: NonNullable<EventData<"rescheduled">["replace"]> = {
  payload: { data: '{"n":2}', type: "application/json" },
  metadata: { data: '{"from":"second"}', type: "application/json" },
  tags: ["second"],
  machine: "micro",
  maxAttempts: 2,
  maxDurationSec: 60,
};
export const tagged = (...tags: readonly string[]): Fact => [
  "tags-added",
  { at: 2600, tags: [...tags] },
];
export const metadata = (...operations: readonly MetadataOperation[]): Fact => [
  "metadata-updated",
  { at: 2700, operations: [...operations] },
];
export const awaited = (parentRunId = "p2", waitIndex = 0, childIndex = 0): Fact => [
  "run-awaited",
  { at: 2800, parentRunId, waitIndex, childIndex },
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
