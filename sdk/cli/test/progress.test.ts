import { expect, test } from "vitest";
import type { RunEvent } from "@millrace/proto";
import { progressLine, progressOf } from "../src/progress.ts";

const runId = "run_0parent";
const children = ["a", "b", "c"].map((name) => ({ runId: `run_0${name}`, taskId: "child" }));

const history: readonly RunEvent[] = [
  {
    type: "run-triggered",
    seq: 1,
    runId,
    data: {
      at: 1,
      env: "dev",
      taskId: "parent",
      queue: "task/parent",
      payload: { type: "application/json" },
      tags: [],
      machine: "micro",
      isolation: "process",
      pool: "default",
      priorityMs: 0,
      depth: 0,
      isTest: false,
    },
  },
  {
    type: "attempt-started",
    seq: 2,
    runId,
    data: {
      at: 2,
      attempt: 1,
      agentId: "agent_1",
      claimId: "claim_1",
      continues: false,
      maxAttempts: null,
    },
  },
  {
    type: "wait-started",
    seq: 3,
    runId,
    data: {
      at: 3,
      attempt: 1,
      agentId: "agent_1",
      index: 0,
      durationMs: 1,
      wait: { kind: "children", key: "k", batchId: "batch_1", children },
    },
  },
  childFinished(4, 1),
];

function childFinished(seq: number, childIndex: number): RunEvent {
  const id = children[childIndex]?.runId ?? "";
  return {
    type: "child-finished",
    seq,
    runId,
    data: {
      at: seq,
      waitIndex: 0,
      childIndex,
      result: { ok: true, id, taskIdentifier: "child", outputType: "application/json" },
    },
  };
}

test.each([
  [0, { finished: 0, total: 0 }],
  [2, { finished: 0, total: 0 }],
  [3, { finished: 0, total: 3 }],
  [4, { finished: 1, total: 3 }],
])("after %i events", (count, expected) => {
  expect(progressOf(history.slice(0, count))).toEqual(expected);
});

test("an event that is told twice counts once", () => {
  expect(progressOf([...history, childFinished(5, 1)])).toEqual({ finished: 1, total: 3 });
});

test("the line", () => {
  expect(progressLine({ finished: 0, total: 0 }, 40)).toBe("listing packages  0.0 s");
  expect(progressLine({ finished: 147, total: 312 }, 1234)).toBe(
    "auditing 312 packages  [##############----------------] 147/312  1.2 s",
  );
  expect(progressLine({ finished: 312, total: 312 }, 3000)).toBe(
    "auditing 312 packages  [##############################] 312/312  3.0 s",
  );
});
