/** A run as the HTTP API shows it. */
import { describe, expect, test } from "vitest";
import { fold, type RunView, STORED, type Trigger, viewOf } from "../src/index.ts";
import {
  boom,
  cancel,
  type Fact,
  failed,
  fired,
  log,
  metadata,
  replacement,
  rescheduled,
  started,
  succeeded,
  tagged,
  tokenDone,
  triggered,
  waitsForToken,
} from "./events.ts";

function view(...facts: readonly Fact[]): RunView {
  const run = fold(log(...facts));
  if (run.status === "absent") throw new Error("no run");
  return viewOf(run);
}

describe("status", () => {
  test.each<[string, readonly Fact[], Partial<RunView>]>([
    ["delayed", [triggered({ delayUntil: 9000 })], { status: "DELAYED", isQueued: true }],
    ["queued", [triggered()], { status: "QUEUED", isQueued: true, isCompleted: false }],
    ["executing", [triggered(), started()], { status: "EXECUTING", isExecuting: true }],
    [
      "between attempts on its agent",
      [triggered(), started(), failed({ at: 3500, where: "agent" })],
      { status: "EXECUTING" },
    ],
    [
      "between attempts in the queue",
      [triggered(), started(), failed({ at: 90_000, where: "queue" })],
      { status: "QUEUED" },
    ],
    [
      "waiting for a token",
      [triggered(), started(), waitsForToken()],
      { status: "WAITING", isWaiting: true },
    ],
    [
      "queued again after a wait",
      [triggered(), started(), waitsForToken(), tokenDone()],
      { status: "WAITING" },
    ],
    [
      "completed",
      [triggered(), started(), succeeded()],
      { status: "COMPLETED", isCompleted: true, isSuccess: true, isFailed: false, output: "done" },
    ],
    [
      "failed",
      [triggered(), started(), failed()],
      {
        status: "FAILED",
        isFailed: true,
        error: { name: "Error", message: boom.message, stackTrace: boom.stackTrace },
      },
    ],
    ["cancelled", [triggered(), cancel], { status: "CANCELED", isCancelled: true, isFailed: true }],
    [
      "expired",
      [triggered({ ttlMs: 5000 }), fired("ttl", 6000)],
      {
        status: "EXPIRED",
        isCompleted: false,
        isFailed: false,
        expiredAt: "1970-01-01T00:00:06.001Z",
      },
    ],
  ])("%s", (_name, facts, expected) => {
    expect(view(...facts)).toMatchObject(expected);
  });
});

describe("what was triggered", () => {
  test.each<[string, Partial<Trigger>, Partial<RunView>]>([
    ["a ttl", { ttlMs: 60_000 }, { ttl: "60s" }],
    ["a pool that is not the default", { pool: "eu" }, { region: "eu" }],
    ["a version", { version: "v1" }, { version: "v1" }],
    ["a repetition", { replayOf: "run_x" }, { isReplay: true }],
    ["a batch", { batchId: "batch_1" }, { batchId: "batch_1", triggerFunction: "batchTrigger" }],
    [
      "a call of a parent that waits",
      { parent: { runId: "p", waitIndex: 0, childIndex: 0 }, rootRunId: "r", depth: 2 },
      {
        triggerFunction: "triggerAndWait",
        depth: 2,
        relatedRuns: { root: { id: "r" }, parent: { id: "p" } },
      },
    ],
    [
      "a key as it was written",
      { idempotency: { key: "hash", userKey: "mine", scope: "run" } },
      { idempotencyKey: "mine" },
    ],
    ["a key given as a hash", { idempotency: { key: "hash" } }, { idempotencyKey: "hash" }],
    [
      "a payload of superjson as its JSON",
      { payload: { data: '{"json":{"a":1},"meta":{}}', type: "application/super+json" } },
      { payload: { a: 1 }, payloadType: "application/super+json" },
    ],
    [
      "a payload that is not the JSON it claims to be",
      { payload: { data: "{", type: "application/json" } },
      { payload: "{" },
    ],
    [
      "a payload in the object store as its path",
      { payload: { data: "dev/abc", type: STORED } },
      { payloadPath: "dev/abc", payloadType: STORED },
    ],
  ])("%s", (_name, changes, expected) => {
    expect(view(triggered(changes))).toMatchObject(expected);
  });

  test("what there is not is not shown", () => {
    const shown = view(triggered({ payload: { type: "application/json" } }));
    for (const name of [
      "payload",
      "payloadPath",
      "output",
      "error",
      "metadata",
      "version",
      "ttl",
      "region",
      "delayedUntil",
      "idempotencyKey",
      "isReplay",
      "startedAt",
      "finishedAt",
    ])
      expect(shown).not.toHaveProperty(name);
  });

  test("a stored payload has no value beside its path", () => {
    expect(view(triggered({ payload: { data: "dev/abc", type: STORED } }))).not.toHaveProperty(
      "payload",
    );
  });
});

test("a stored output is shown as its path", () => {
  const end: Fact = [
    "attempt-succeeded",
    {
      at: 3000,
      attempt: 1,
      agentId: "a1",
      durationMs: 1,
      output: { data: "dev/out", type: STORED },
    },
  ];
  const shown = view(triggered(), started(), end);
  expect(shown).toMatchObject({ outputPath: "dev/out", outputType: STORED });
  expect(shown).not.toHaveProperty("output");
});

test("tags and metadata are shown as they are now", () => {
  const shown = view(
    triggered({ tags: ["a"], metadata: { data: '{"a":1}', type: "application/json" } }),
    tagged("b"),
    metadata({ type: "increment", key: "a", value: 1 }),
  );
  expect(shown).toMatchObject({ tags: ["a", "b"], metadata: { a: 2 } });
});

describe("a run that was moved", () => {
  const until = "1970-01-01T00:00:12.000Z";

  test("shows the time it waits for, also when it has come", () => {
    const moved = [triggered({ delayUntil: 9000 }), rescheduled(12_000)] as const;
    expect(view(...moved).delayedUntil).toBe(until);
    expect(view(...moved, fired("delay", 12_000))).toMatchObject({
      status: "QUEUED",
      delayedUntil: until,
    });
  });

  test("and what it is triggered with now", () => {
    expect(view(triggered({ delayUntil: 9000 }), rescheduled(12_000, replacement))).toMatchObject({
      payload: { n: 2 },
      tags: ["second"],
      metadata: { from: "second" },
    });
  });
});

test("the version is that of the agent that took the run last", () => {
  expect(view(triggered(), started(1, "a1", { version: "v2" }))).toMatchObject({ version: "v2" });
  expect(
    view(
      triggered(),
      started(1, "a1", { version: "v2" }),
      failed({ at: 3500, where: "queue" }),
      fired("retry", 3500),
      started(2, "a2"),
    ),
  ).not.toHaveProperty("version");
});
