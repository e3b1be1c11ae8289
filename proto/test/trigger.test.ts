/** The rule that turns a request into a run's first event, or refuses it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  acceptTrigger,
  decodeEvent,
  encodeEvent,
  isRunId,
  readTrigger,
  runSubject,
  shardOfQueue,
  shardOfRun,
  triggerOptionsSchema,
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

const TEN_TAGS = Array.from({ length: 10 }, (_, n) => `${n}`.padEnd(128, "x"));

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

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
      "metadata as text with its type",
      {
        options: { metadata: '{"json":{"a":1}}', metadataType: "application/super+json" },
      },
      { metadata: { data: '{"json":{"a":1}}', type: "application/super+json" } },
    ],
    [
      "the size of a machine",
      { options: { machine: { cpu: 1, memory: 2 } } },
      { machine: "medium-1x" },
    ],
    ["a date as a delay", { options: { delay: new Date(1_060_000) } }, { delayUntil: 1_060_000 }],
    ["a ttl as a duration", { options: { ttl: "1h30m" } }, { ttlMs: 5_400_000 }],
    ["ten tags of 128 characters", { options: { tags: TEN_TAGS } }, { tags: TEN_TAGS }],
    [
      "an endless priority clamped",
      { options: { priority: -Infinity } },
      { priorityMs: -(2 ** 31) },
    ],
    ["a priority of less than a millisecond", { options: { priority: -1e-9 } }, { priorityMs: 0 }],
    ["a concurrency key", { options: { concurrencyKey: "user-1" } }, { concurrencyKey: "user-1" }],
    ["a number as a concurrency key", { options: { concurrencyKey: 7 } }, { concurrencyKey: "7" }],
    ["a version", { options: { lockToVersion: "20260101.1" } }, { version: "20260101.1" }],
    ["attempts", { options: { maxAttempts: 1 } }, { maxAttempts: 1 }],
    ["a test", { options: { test: true } }, { isTest: true }],
    ["a batch", { options: { parentBatch: "batch_1" } }, { batchId: "batch_1" }],
    ["a bulk action", { options: { bulkActionId: "bulk_1" } }, { bulkActionId: "bulk_1" }],
    [
      "an endless maxDuration clamped",
      { options: { maxDuration: Number.MAX_SAFE_INTEGER } },
      { maxDurationSec: 2 ** 31 - 1 },
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

describe("keys of a trigger", () => {
  test("an idempotency key is claimed for 30 days, and shown as it was written", () => {
    const idempotencyKeyOptions = { key: "mine", scope: "run" };
    expect(accept({ options: { idempotencyKey: "hash", idempotencyKeyOptions } })).toMatchObject({
      idempotency: { key: "hash", ttlMs: 30 * 86_400_000 },
      data: { idempotency: { key: "hash", userKey: "mine", scope: "run" } },
    });
  });

  test.each([
    ["60s", 60_000],
    ["5m", 300_000],
    ["1h", 3_600_000],
    ["2d", 172_800_000],
  ])("or for %s", (idempotencyKeyTTL, ttlMs) => {
    expect(accept({ options: { idempotencyKey: "k", idempotencyKeyTTL } })).toMatchObject({
      idempotency: { key: "k", ttlMs },
    });
  });

  test("a debounced run is delayed, by its own delay whatever delay there is", () => {
    const debounce = { key: "k", delay: "5s" };
    expect(accept({ options: { debounce, delay: "1h" } })).toMatchObject({
      debounce: { key: "k", delayMs: 5000, mode: "leading", maxDelayMs: null },
      data: { debounceKey: "k", delayUntil: 1_005_000 },
    });
  });

  test("a debounce says which trigger counts and how long it may be put off", () => {
    const debounce = { key: "k", delay: "5s", mode: "trailing", maxDelay: "1m" } as const;
    expect(accept({ options: { debounce } })).toMatchObject({
      debounce: { key: "k", delayMs: 5000, mode: "trailing", maxDelayMs: 60_000 },
    });
  });

  test("without keys nothing is claimed, and an empty concurrency key is none", () => {
    const accepted = accept({ options: { concurrencyKey: "" } });
    expect(accepted).not.toHaveProperty("idempotency");
    expect(accepted).not.toHaveProperty("debounce");
    expect(accepted.ok && accepted.data).not.toHaveProperty("concurrencyKey");
  });
});

test("a child's place in its family, and what it repeats", () => {
  const lineage = {
    parent: { runId: "p", waitIndex: 1, childIndex: 2 },
    rootRunId: "r",
    depth: 3,
    orderAt: 5,
    batchId: "batch_2",
    replayOf: "run_x",
  };
  expect(accept({ options: { parentBatch: "batch_1" } }, { lineage })).toMatchObject({
    ok: true,
    data: { ...lineage },
  });
});

test("whatever is asked for is decided or refused, and what is accepted is a fact", () => {
  const text = fc.oneof(fc.string(), fc.constantFrom("1h", "5s", "2030-01-01", "60s", "micro"));
  const anything = fc.oneof(fc.anything(), text, fc.double(), fc.date());
  const names = Object.keys(triggerOptionsSchema.shape);
  const options = fc.dictionary(fc.constantFrom(...names), anything);
  fc.assert(
    fc.property(fc.anything(), options, (payload, asked) => {
      const read = readTrigger("resize", { payload, options: asked });
      if (!read.ok) return;
      const accepted = accept(read.body);
      if (!accepted.ok) return;
      const event = decodeEvent(
        runSubject("dev", accepted.runId, "client"),
        "run-triggered",
        encodeEvent("run-triggered", accepted.data),
        1,
      );
      expect(event).toMatchObject({ kind: "event", event: { data: accepted.data } });
    }),
    { numRuns: 3000 },
  );
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
    "an unknown machine of the older spelling",
    { options: { machine: { preset: "huge" } } },
    {},
    "INVALID_OPTION",
    /"preset":"huge".*presets are micro/,
  ],
  [
    "a machine larger than any",
    { options: { machine: { cpu: 64, memory: 1 } } },
    {},
    "INVALID_OPTION",
    /Unknown machine/,
  ],
  ["a machine of no size", { options: { machine: {} } }, {}, "INVALID_OPTION", /Unknown machine/],
  [
    "a date that is none",
    { options: { delay: new Date(Number.NaN) } },
    {},
    "INVALID_OPTION",
    /delay must be .* not Invalid Date/,
  ],
  ["an impossible date", { options: { delay: "2026-13-45" } }, {}, "INVALID_OPTION", /delay/],
  ["a delay of centuries", { options: { delay: "9999999d" } }, {}, "INVALID_OPTION", /delay/],
  ["a ttl of centuries", { options: { ttl: 1e12 } }, {}, "INVALID_OPTION", /ttl/],
  [
    "a priority that is no number",
    { options: { priority: Number.NaN } },
    {},
    "INVALID_OPTION",
    /priority/,
  ],
  [
    "too much metadata in bytes",
    { options: { metadata: { a: "ä".repeat(140_000) } } },
    {},
    "INVALID_OPTION",
    /256 KB/,
  ],
  ["metadata that is a list", { options: { metadata: [1] } }, {}, "INVALID_OPTION", /JSON object/],
  ["metadata that is a text", { options: { metadata: "x" } }, {}, "INVALID_OPTION", /JSON object/],
  [
    "metadata that is not the JSON it claims to be",
    { options: { metadata: "{", metadataType: "application/json" } },
    {},
    "INVALID_OPTION",
    /JSON object/,
  ],
  [
    "metadata that is a function",
    { options: { metadata: () => 1 } },
    {},
    "INVALID_OPTION",
    /JSON object/,
  ],
  [
    "metadata nested without end",
    { options: { metadata: { a: nested(100_000) } } },
    {},
    "INVALID_OPTION",
    /at most 64 levels/,
  ],
  ["a payload JSON cannot say", { payload: 10n }, {}, "BAD_REQUEST", /payload/],
  ["a payload nested without end", { payload: nested(100_000) }, {}, "BAD_REQUEST", /payload/],
  ["a payload that is a function", { payload: () => 1 }, {}, "BAD_REQUEST", /payload/],
  ...["60", "1w", "1h30m", "s", "-1s", "", "0s", "9".repeat(30) + "d"].map(
    (idempotencyKeyTTL): [string, TriggerBody, object, string, RegExp] => [
      `a key's time to live of ${JSON.stringify(idempotencyKeyTTL)}`,
      { options: { idempotencyKey: "k", idempotencyKeyTTL } },
      {},
      "INVALID_OPTION",
      /idempotencyKeyTTL must be .* "60s" or "30d"/,
    ],
  ),
  ...["0s", "soon", "2026-01-01", "", "999999999d"].map(
    (delay): [string, TriggerBody, object, string, RegExp] => [
      `a debounce delay of ${JSON.stringify(delay)}`,
      { options: { debounce: { key: "k", delay } } },
      {},
      "INVALID_OPTION",
      /debounce.delay must be a duration/,
    ],
  ),
  [
    "a longest debounce delay that is no duration",
    { options: { debounce: { key: "k", delay: "5s", maxDelay: "later" } } },
    {},
    "INVALID_OPTION",
    /debounce.maxDelay must be a duration/,
  ],
  [
    "a longest debounce delay that is not longer",
    { options: { debounce: { key: "k", delay: "5s", maxDelay: "5s" } } },
    {},
    "INVALID_OPTION",
    /longer than debounce.delay/,
  ],
])("%s is refused, saying what is wrong", (_name, body, changes, code, message) => {
  const refused = accept(body, changes);
  expect(refused).toMatchObject({ ok: false, code });
  expect(refused.ok ? "" : refused.message).toMatch(message);
});
