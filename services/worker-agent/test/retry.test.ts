import { expect, test } from "vitest";
import type { RunError } from "@millrace/proto";
import { decideRetry, maxAttemptsOf, retryDelayMs } from "../src/agent/retry.ts";

const error: RunError = { type: "STRING_ERROR", raw: "no" };
const now = { atMs: 1000, chance: 0, mayStay: true };
const failure = { error, isFinal: false };

test.each([
  [1, 0, 1000],
  [1, 0.5, 1500],
  [2, 0, 2000],
  [3, 0.25, 5000],
  [7, 0, 60_000],
  [100, 0.9, 60_000],
])("v4's defaults: after attempt %i, with chance %f, %i ms", (attempt, chance, ms) => {
  expect(retryDelayMs({}, attempt, chance)).toBe(ms);
  expect(retryDelayMs(undefined, attempt, chance)).toBe(ms);
});

test("the task's own settings", () => {
  const retry = { factor: 3, minTimeoutInMs: 10, maxTimeoutInMs: 500, randomize: false };
  expect([1, 2, 3, 4, 5].map((n) => retryDelayMs(retry, n, 0.9))).toEqual([10, 30, 90, 270, 500]);
});

test.each([
  [{}, undefined, null],
  [{}, {}, 3],
  [{}, { maxAttempts: 7 }, 7],
  [{ maxAttempts: 2 }, { maxAttempts: 7 }, 2],
  [{ maxAttempts: 2 }, undefined, 2],
])("attempts of trigger %j and task %j: %j", (trigger, retry, expected) => {
  expect(maxAttemptsOf(trigger, retry)).toBe(expected);
});

test("a short pause is spent here, a long one in the queue", () => {
  const run = { attempt: 1, maxAttempts: 3 };
  expect(decideRetry(run, {}, failure, now)).toEqual({ at: 2000, where: "agent" });
  expect(decideRetry(run, { minTimeoutInMs: 29_999 }, failure, now)?.where).toBe("agent");
  expect(decideRetry(run, { minTimeoutInMs: 30_000 }, failure, now)).toEqual({
    at: 31_000,
    where: "queue",
  });
  expect(decideRetry(run, {}, failure, { ...now, mayStay: false })?.where).toBe("queue");
});

test("no attempt after the last one, without settings, or after what is final", () => {
  expect(decideRetry({ attempt: 3, maxAttempts: 3 }, {}, failure, now)).toBeNull();
  expect(decideRetry({ attempt: 1, maxAttempts: null }, undefined, failure, now)).toBeNull();
  const run = { attempt: 1, maxAttempts: 3 };
  expect(decideRetry(run, {}, { error, isFinal: true }, now)).toBeNull();
  const killed: RunError = { type: "INTERNAL_ERROR", code: "TASK_PROCESS_OOM_KILLED" };
  expect(decideRetry(run, {}, { error: killed, isFinal: false }, now)).toBeNull();
});
