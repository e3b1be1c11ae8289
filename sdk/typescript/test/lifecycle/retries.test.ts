/** When a failed attempt is tried again: settings, defaults, and the rules they are held against. */
import { RETRY_DEFAULTS, type RetrySettings } from "@millrace/proto";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { defineConfig, task } from "../../src/index.ts";
import { effectiveRetry, setConfig } from "../../src/registry.ts";
import { contextOf, fakeRun } from "../fake-run.ts";
import { attemptOf, lastDefined } from "./attempts.ts";

afterEach(() => setConfig({ withoutEffect: [], written: {} }));

const fails = (): never => {
  throw new Error("no");
};

const settings: fc.Arbitrary<RetrySettings> = fc.record(
  {
    maxAttempts: fc.integer({ min: 1, max: 10 }),
    factor: fc.double({ min: 1, max: 4, noNaN: true }),
    minTimeoutInMs: fc.integer({ min: 0, max: 5000 }),
    maxTimeoutInMs: fc.integer({ min: 0, max: 100_000 }),
    randomize: fc.boolean(),
  },
  { requiredKeys: [] },
);

it("the delay is v4's formula for every attempt that may follow, and there is none after the last", async () => {
  const attempts = fc.integer({ min: 1, max: 12 });
  await fc.assert(
    fc.asyncProperty(settings, attempts, async (retry, attempt) => {
      task({ id: "failing", retry, run: fails });
      const {
        maxAttempts = RETRY_DEFAULTS.maxAttempts,
        factor = RETRY_DEFAULTS.factor,
        minTimeoutInMs = RETRY_DEFAULTS.minTimeoutInMs,
        maxTimeoutInMs = RETRY_DEFAULTS.maxTimeoutInMs,
        randomize = RETRY_DEFAULTS.randomize,
      } = retry;
      const end = await attemptOf(null, fakeRun({}, contextOf({ attempt })), { maxAttempts });
      if (end.ok) throw new Error("It was to fail");
      expect(end.retry === null).toBe(attempt >= maxAttempts);
      if (end.retry === null) return;
      const base = minTimeoutInMs * factor ** (attempt - 1);
      expect(end.retry.delayMs).toBeGreaterThanOrEqual(Math.round(Math.min(maxTimeoutInMs, base)));
      const most = Math.min(maxTimeoutInMs, (randomize ? 2 : 1) * base);
      expect(end.retry.delayMs).toBeLessThanOrEqual(Math.round(most));
    }),
  );
});

it("nothing is tried more than 250 times", async () => {
  task({ id: "failing", retry: {}, run: fails });
  const at = (attempt: number) =>
    attemptOf(null, fakeRun({}, contextOf({ attempt })), { maxAttempts: 1000 });
  expect(await at(249)).toMatchObject({ retry: { delayMs: expect.any(Number) } });
  expect(await at(250)).toMatchObject({ retry: null });
});

describe("the settings that count", () => {
  it("are the task's, then the configuration's, then none; each completed with the defaults", () => {
    task({ id: "own", retry: { factor: 3 }, run: fails });
    expect(effectiveRetry(lastDefined())).toEqual({ ...RETRY_DEFAULTS, factor: 3 });
    task({ id: "bare", run: fails });
    expect(effectiveRetry(lastDefined())).toBeUndefined();
    defineConfig({ project: "p", retries: { default: { maxAttempts: 7 } } });
    expect(effectiveRetry(lastDefined())).toEqual({ ...RETRY_DEFAULTS, maxAttempts: 7 });
  });

  it("are nothing in development when the configuration says so", async () => {
    task({ id: "failing", retry: {}, run: fails });
    const development = () => fakeRun({}, contextOf({ environment: "DEVELOPMENT" }));
    expect(await attemptOf(null, development())).toMatchObject({
      retry: { delayMs: expect.any(Number) },
    });
    defineConfig({ project: "p", retries: { enabledInDev: false } });
    expect(await attemptOf(null, development())).toMatchObject({ retry: null });
    expect(await attemptOf(null)).toMatchObject({ retry: { delayMs: expect.any(Number) } });
  });
});
