/** When a failed attempt is tried again: v4's formula. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { maxAttemptsOf, retryDelayMs, type RetrySettings } from "../src/index.ts";

test.each([
  [1, 0, 1000],
  [1, 0.5, 1500],
  [2, 0, 2000],
  [3, 0.25, 5000],
  [7, 0, 60_000],
  [100, 0.9, 60_000],
  [100_000, 0.9, 60_000],
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

test("no delay grows from none", () => {
  expect(retryDelayMs({ minTimeoutInMs: 0, factor: 10 }, 5000, 0)).toBe(0);
});

test("whatever the settings, a delay is a whole number of milliseconds up to the longest", () => {
  const settings: fc.Arbitrary<RetrySettings> = fc.record(
    {
      factor: fc.double({ min: 0, minExcluded: true, noNaN: true, noDefaultInfinity: true }),
      minTimeoutInMs: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
      maxTimeoutInMs: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
      randomize: fc.boolean(),
    },
    { requiredKeys: [] },
  );
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(settings, fc.integer({ min: 1, max: 10_000 }), chance, (retry, attempt, c) => {
      const ms = retryDelayMs(retry, attempt, c);
      expect(Number.isSafeInteger(ms)).toBe(true);
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(ms).toBeLessThanOrEqual(Math.ceil(retry.maxTimeoutInMs ?? 60_000));
    }),
  );
});
