/** The checker sees what it is there to see: evidence of a good run, and the same with one thing wrong in it. */
import type { EventData, EventType, RunEvent } from "@millrace/proto";
import { describe, expect, test } from "vitest";
import { check } from "../src/checker/check.ts";
import type { Evidence } from "../src/checker/evidence.ts";
import { progressIn } from "../src/checker/progress.ts";
import type { Mark } from "../src/marks.ts";

let seq = 0;
function event<T extends EventType>(runId: string, type: T, data: EventData<T>): RunEvent {
  return { type, seq: ++seq, runId, data } as RunEvent;
}

function triggered(runId: string, changes: Partial<EventData<"run-triggered">> = {}): RunEvent {
  return event(runId, "run-triggered", {
    at: 1,
    env: "dev",
    taskId: "limited",
    queue: "limited",
    payload: { data: JSON.stringify({ key: `key of ${runId}` }), type: "application/json" },
    tags: [],
    machine: "small-1x",
    isolation: "shared",
    pool: "default",
    priorityMs: 0,
    depth: 0,
    isTest: false,
    ...changes,
  });
}

const started = (runId: string, at: number, attempt = 1): RunEvent =>
  event(runId, "attempt-started", {
    at,
    attempt,
    agentId: `agent ${attempt}`,
    claimId: "c",
    continues: false,
    maxAttempts: 5,
  });
const succeeded = (runId: string, at: number, attempt = 1): RunEvent =>
  event(runId, "attempt-succeeded", {
    at,
    attempt,
    agentId: `agent ${attempt}`,
    durationMs: 1,
    output: { type: "text/plain", data: "done" },
  });
const lost = (runId: string, at: number): RunEvent =>
  event(runId, "attempt-lost", { at, attempt: 1, agentId: "agent 1" });

const failed = (runId: string, at: number): RunEvent =>
  event(runId, "attempt-failed", {
    at,
    attempt: 1,
    agentId: "agent 1",
    durationMs: 1,
    error: { type: "BUILT_IN_ERROR", name: "Error", message: "no", stackTrace: "" },
    retry: null,
  });

const mark = (edge: Mark["edge"], runId: string, at: number, attempt = 1): Mark => ({
  edge,
  runId,
  attempt,
  at,
});

/** A run of the limited task in its code from 10 to 20. */
const completed = (runId: string, changes?: Partial<EventData<"run-triggered">>): RunEvent[] => [
  triggered(runId, changes),
  started(runId, 9),
  succeeded(runId, 21),
];
const marksOf = (runId: string): Mark[] => [mark("begin", runId, 10), mark("end", runId, 20)];

const nothing: Evidence = {
  events: [],
  told: [],
  marks: [],
  limits: [{ taskId: "limited", limit: 1 }],
  families: [{ parent: "parent", child: "child", children: 1 }],
};
const rules = (evidence: Partial<Evidence>): string[] =>
  check({ ...nothing, ...evidence }).map(({ rule }) => rule);

describe("the checker", () => {
  test("has nothing against a run that was triggered, ran and ended", () => {
    const told = [{ key: "key of a", taskId: "limited", runId: "a" }];
    expect(rules({ events: completed("a"), marks: marksOf("a"), told })).toEqual([]);
  });

  test("misses an acknowledged trigger, and one that is never acknowledged", () => {
    const told = [
      { key: "x", taskId: "limited", runId: "gone" },
      { key: "y", taskId: "limited" },
    ];
    expect(rules({ told })).toEqual(["lost trigger", "lost trigger"]);
  });

  test("sees a key that stands for two runs", () => {
    const { payload } = (triggered("a") as RunEvent & { type: "run-triggered" }).data;
    const events = [...completed("a"), ...completed("b", { payload, taskId: "other" })];
    expect(rules({ events, marks: [...marksOf("a"), ...marksOf("b")] })).toEqual([
      "triggered twice",
    ]);
  });

  test("sees a run that does not end, and one that ends otherwise than its code does", () => {
    expect(rules({ events: [triggered("a"), started("a", 9)] })).toEqual(["no end"]);
    const events = [triggered("a"), started("a", 9), failed("a", 20)];
    expect(rules({ events, marks: marksOf("a") })).toEqual(["wrong end"]);
  });

  test("sees more runs in their code than the limit, unless one of them was lost before", () => {
    const events = [...completed("a"), ...completed("b")];
    const marks = [mark("begin", "a", 10), mark("begin", "b", 15), mark("end", "a", 20)];
    expect(rules({ events, marks: [...marks, mark("end", "b", 25)] })).toEqual(["limit exceeded"]);

    const again = [
      triggered("a"),
      started("a", 9),
      lost("a", 12),
      started("a", 25, 2),
      succeeded("a", 28, 2),
      ...completed("b"),
    ];
    const zombie = [
      ...marks,
      mark("end", "b", 24),
      mark("begin", "a", 26, 2),
      mark("end", "a", 27, 2),
    ];
    expect(rules({ events: again, marks: zombie })).toEqual([]);
  });

  test("counts a limit of each concurrency key by itself", () => {
    const limits = [{ taskId: "limited", limit: 1, perKey: true }] as const;
    const events = [
      ...completed("a", { concurrencyKey: "x" }),
      ...completed("b", { concurrencyKey: "y" }),
    ];
    const marks = [...marksOf("a"), ...marksOf("b")];
    expect(rules({ events, marks, limits })).toEqual([]);
  });

  test("sees a child too many and a child too few", () => {
    const parent = completed("p", { taskId: "parent" });
    const child = (runId: string): RunEvent[] =>
      completed(runId, { taskId: "child", parent: { runId: "p" } });
    const marks = ["p", "c", "d"].flatMap(marksOf);
    expect(rules({ events: [...parent, ...child("c")], marks: marks.slice(0, 4) })).toEqual([]);
    expect(rules({ events: [...parent, ...child("c"), ...child("d")], marks })).toEqual([
      "wrong children",
    ]);
    expect(rules({ events: parent, marks: marks.slice(0, 2) })).toEqual(["wrong children"]);
  });

  test("sees a slot of a schedule that triggered twice", () => {
    const schedule = { id: "s", slotAt: 60_000 };
    const of = (runId: string): RunEvent[] => completed(runId, { taskId: "scheduled", schedule });
    const marks = [...marksOf("a"), ...marksOf("b")];
    expect(rules({ events: [...of("a"), ...of("b")], marks })).toEqual(["slot twice"]);
  });

  test("sees code that was executed without a start, and an end without code", () => {
    const marks = [...marksOf("a"), mark("begin", "a", 30)];
    expect(rules({ events: completed("a"), marks })).toEqual(["code without a start"]);
    expect(rules({ events: completed("a") })).toEqual(["code without a start"]);
  });
});

test("a fault is charged with the longest gap that touches it, and the slowest trigger sent in it", () => {
  const served = [
    { sentAt: 5, endedAt: 50 },
    { sentAt: 15, endedAt: 45 },
    { sentAt: 16, endedAt: undefined },
  ];
  const ends = [3, 12, 45, 50];
  expect(progressIn({ from: 10, to: 20 }, { from: 0, to: 100 }, ends, served)).toEqual({
    longestGapMs: 33,
    slowestMs: 30,
  });
  expect(progressIn({ from: 60, to: 70 }, { from: 0, to: 100 }, ends, served)).toEqual({
    longestGapMs: 50,
    slowestMs: undefined,
  });
});
