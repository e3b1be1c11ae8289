/** The rule that turns a request into a run's first event, or refuses it. */
import { describe, expect, test } from "vitest";
import {
  acceptTrigger,
  isRunId,
  shardOfQueue,
  shardOfRun,
  type QueueRecord,
  type TaskRecord,
  type TriggerBody,
  type TriggerContext,
} from "../src/index.ts";

const task: TaskRecord = {
  id: "resize",
  queue: "task/resize",
  machine: "small-1x",
  isolation: "process",
  ttlMs: 600_000,
  filePath: "resize.ts",
};
const queue: QueueRecord = { name: "task/resize", type: "task", concurrencyLimit: null };
const context: TriggerContext = {
  env: "dev",
  task,
  queue,
  nowMs: 1_000_000,
  identity: new Uint8Array(10),
};

const accept = (body: TriggerBody, changes: Partial<TriggerContext> = {}) =>
  acceptTrigger("resize", body, { ...context, ...changes });

describe("an accepted trigger", () => {
  test("takes what it does not say from its task", () => {
    const accepted = accept({ payload: { n: 1 } });
    expect(accepted).toMatchObject({
      ok: true,
      data: {
        at: 1_000_000,
        env: "dev",
        taskId: "resize",
        queue: "task/resize",
        payload: { data: '{"n":1}', type: "application/json" },
        machine: "small-1x",
        isolation: "process",
        pool: "default",
        priorityMs: 0,
        ttlMs: 600_000,
        tags: [],
        depth: 0,
      },
    });
  });

  test("gets an id in its queue's shard, or the one it was given", () => {
    const accepted = accept({});
    expect(accepted.ok && isRunId(accepted.runId)).toBe(true);
    expect(accepted.ok && shardOfRun(accepted.runId)).toBe(shardOfQueue("dev", "task/resize"));
    expect(accept({}, { identity: { runId: "run_x" } })).toMatchObject({ runId: "run_x" });
  });

  test.each<[string, TriggerBody, object]>([
    [
      "a serialised payload with its type",
      { payload: '{"json":1}', options: { payloadType: "application/super+json" } },
      { payload: { data: '{"json":1}', type: "application/super+json" } },
    ],
    ["no payload", {}, { payload: { type: "application/json" } }],
    [
      "a text without a type is a JSON string",
      { payload: "x" },
      { payload: { data: '"x"', type: "application/json" } },
    ],
    ["one tag", { options: { tags: "a" } }, { tags: ["a"] }],
    ["repeated tags once", { options: { tags: ["a", "b", "a"] } }, { tags: ["a", "b"] }],
    ["priority in seconds", { options: { priority: 1.5 } }, { priorityMs: 1500 }],
    ["an absurd priority clamped", { options: { priority: 1e12 } }, { priorityMs: 2 ** 31 - 1 }],
    ["a delay as a duration", { options: { delay: "1m" } }, { delayUntil: 1_060_000 }],
    ["a preset", { options: { machine: "large-1x" } }, { machine: "large-1x" }],
    [
      "the older spelling of a preset",
      { options: { machine: { preset: "micro" } } },
      { machine: "micro" },
    ],
    ["a ttl in seconds", { options: { ttl: 5 } }, { ttlMs: 5000 }],
    ["a region as pool", { options: { region: "eu" } }, { pool: "eu" }],
    [
      "metadata",
      { options: { metadata: { a: 1 } } },
      { metadata: { data: '{"a":1}', type: "application/json" } },
    ],
    [
      "a shorter maxDuration than five seconds raised",
      { options: { maxDuration: 1 } },
      { maxDurationSec: 5 },
    ],
  ])("%s", (_name, body, expected) => {
    expect(accept(body)).toMatchObject({ ok: true, data: expected });
  });

  test("a ttl of 0 disables the task's own, a past delay is none", () => {
    const accepted = accept({ options: { ttl: 0, delay: "1970-01-01T00:00:01Z" } });
    expect(accepted.ok && accepted.data).not.toHaveProperty("ttlMs");
    expect(accepted.ok && accepted.data).not.toHaveProperty("delayUntil");
  });
});

test.each<[string, TriggerBody, Partial<TriggerContext>, string, RegExp]>([
  ["an unknown task", {}, { task: undefined }, "TASK_NOT_FOUND", /"resize" is not registered/],
  [
    "an unknown queue",
    { options: { queue: { name: "q" } } },
    { queue: undefined },
    "QUEUE_NOT_FOUND",
    /Queue "q"/,
  ],
  [
    "eleven tags",
    { options: { tags: Array.from({ length: 11 }, (_, n) => `t${n}`) } },
    {},
    "INVALID_OPTION",
    /at most 10/,
  ],
  ["an empty tag", { options: { tags: [""] } }, {}, "INVALID_OPTION", /1 to 128/],
  ["an over-long tag", { options: { tags: "x".repeat(129) } }, {}, "INVALID_OPTION", /1 to 128/],
  [
    "an unknown preset",
    { options: { machine: "huge" } },
    {},
    "INVALID_OPTION",
    /presets are micro/,
  ],
  ["a delay that is neither", { options: { delay: "soon" } }, {}, "INVALID_OPTION", /duration/],
  ["a ttl that is none", { options: { ttl: "x" } }, {}, "INVALID_OPTION", /ttl/],
  [
    "too much metadata",
    { options: { metadata: "x".repeat(300_000) } },
    {},
    "INVALID_OPTION",
    /256 KB/,
  ],
  [
    "an option of a later version",
    { options: { idempotencyKey: "k" } },
    {},
    "UNSUPPORTED_OPTION",
    /idempotencyKey/,
  ],
])("%s is refused, saying what is wrong", (_name, body, changes, code, message) => {
  const refused = accept(body, changes);
  expect(refused).toMatchObject({ ok: false, code });
  expect(refused.ok ? "" : refused.message).toMatch(message);
});
