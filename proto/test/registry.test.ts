/** Records of the broker's buckets: limits as they count, and keys for any text. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  batchKey,
  debounceKeyOf,
  idempotencyKeyOf,
  limitOfQueue,
  machineOf,
  needsSlot,
  poolOf,
  PRESETS,
  queueKey,
  retrySettingsSchema,
  taskKey,
  tokenKey,
  type MachineOption,
  type QueueRecord,
} from "../src/index.ts";

const queue = (changes: Partial<QueueRecord> = {}): QueueRecord => ({
  name: "q",
  type: "custom",
  concurrencyLimit: null,
  ...changes,
});
const override = { concurrencyLimit: 5, at: 1 };
const rateLimit = { limit: 1, periodMs: 1000, per: "queue" } as const;

test.each<[string, QueueRecord, number | null, boolean]>([
  ["no limit", queue(), null, false],
  ["the declared limit", queue({ concurrencyLimit: 3 }), 3, true],
  ["an override counts instead", queue({ concurrencyLimit: 3, override }), 5, true],
  ["also where nothing was declared", queue({ override }), 5, true],
  ["an override of none", queue({ override: { concurrencyLimit: 0, at: 1 } }), 0, true],
  ["a paused queue lets nothing run", queue({ paused: true }), 0, true],
  ["whatever its limits", queue({ concurrencyLimit: 3, override, paused: true }), 0, true],
  ["a queue that goes on again", queue({ concurrencyLimit: 3, paused: false }), 3, true],
  ["a rate limit alone needs grants", queue({ rateLimit }), null, true],
])("%s", (_name, record, limit, slot) => {
  expect(limitOfQueue(record)).toBe(limit);
  expect(needsSlot(record)).toBe(slot);
});

describe("keys", () => {
  const builders: readonly (readonly [string, (text: string) => string])[] = [
    ["task", (text) => taskKey("dev", text)],
    ["queue", (text) => queueKey("dev", text)],
    ["idempotency", (text) => idempotencyKeyOf("dev", { taskId: "t" }, text)],
    ["idempotency by task", (text) => idempotencyKeyOf("dev", { taskId: text }, "k")],
    ["token idempotency", (text) => idempotencyKeyOf("dev", "token", text)],
    ["debounce", (text) => debounceKeyOf("dev", "t", text)],
    ["token", (text) => tokenKey("dev", text)],
    ["batch", (text) => batchKey("dev", text)],
  ];
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "binary", minLength: 2000, maxLength: 2048 }),
    fc.constantFrom("", ".", "..", "=", " ", ">", "*", "\ud800", "a".repeat(255), "a".repeat(256)),
  );

  test.each(builders)(
    "%s: any text makes a key the broker takes, and another text another",
    (_name, build) => {
      fc.assert(
        fc.property(text, text, (a, b) => {
          expect(build(a)).toMatch(/^[-/=\w]+(\.[-/=\w]+)+$/);
          expect(build(a).length).toBeLessThanOrEqual(600);
          expect(build(a) === build(b)).toBe(a === b);
        }),
      );
    },
  );

  test("long texts that begin alike differ", () => {
    const keys = Array.from({ length: 2000 }, (_, n) => tokenKey("dev", `${"ä".repeat(400)}${n}`));
    expect(new Set(keys).size).toBe(2000);
  });

  test("those of a task, of tokens and of batches are kept apart", () => {
    const keys = [
      idempotencyKeyOf("dev", { taskId: "token" }, "k"),
      idempotencyKeyOf("dev", "token", "k"),
      idempotencyKeyOf("dev", "batch", "k"),
      idempotencyKeyOf("dev", { taskId: "a.b" }, "k"),
      idempotencyKeyOf("dev", { taskId: "a" }, "b.k"),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });
});

test("a version's agents have a pool of their own", () => {
  expect(poolOf("default", undefined)).toBe("default");
  expect(poolOf("eu", "20260101.1")).toBe("eu@20260101.1");
});

test.each<[MachineOption, string | undefined]>([
  ["small-2x", "small-2x"],
  ["huge", undefined],
  ["constructor", undefined],
  [{ preset: "micro" }, "micro"],
  [{ preset: "huge" }, undefined],
  [{ cpu: 0.5, memory: 0.5 }, "small-1x"],
  [{ cpu: 0.25 }, "micro"],
  [{ cpu: 1, memory: 2 }, "medium-1x"],
  [{ memory: 3 }, "medium-2x"],
  [{ cpu: 8, memory: 16 }, "large-2x"],
  [{ cpu: 9 }, undefined],
  [{ cpu: -1 }, undefined],
  [{ cpu: 1, memory: 0 }, undefined],
  [{ cpu: Number.NaN }, undefined],
  [{}, undefined],
])("machine %j is %s", (option, preset) => {
  expect(machineOf(option)).toBe(preset);
});

test("every preset is the smallest machine of some size", () => {
  expect(PRESETS.every((preset) => machineOf(preset) === preset)).toBe(true);
});

test("retry settings name a machine that exists", () => {
  const settings = { outOfMemory: { machine: "large-1x" } };
  expect(retrySettingsSchema.parse(settings)).toEqual(settings);
  expect(retrySettingsSchema.safeParse({ outOfMemory: { machine: "x" } }).success).toBe(false);
});
