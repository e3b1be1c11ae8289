import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { wait, type WaitForOptions } from "../src/wait.ts";
import { fakeRun } from "./fake-run.ts";

const NOW = Date.UTC(2030, 0, 1);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("wait.for", () => {
  it.each([
    [{ seconds: 6 }, 6000],
    [{ minutes: 1 }, 60_000],
    [{ hours: 1 }, 3_600_000],
    [{ days: 1 }, 86_400_000],
    [{ weeks: 1 }, 7 * 86_400_000],
    [{ months: 1 }, 30 * 86_400_000],
    [{ years: 1 }, 365 * 86_400_000],
  ] as const)("%o waits durably", async (options, ms) => {
    const run = fakeRun();
    await run.execute(() => wait.for(options));
    expect(run.asked).toEqual([["waitUntil", NOW + ms]]);
  });

  it("sleeps in the process up to five seconds", async () => {
    const run = fakeRun();
    await run.execute(() => wait.for({ seconds: 0.01 }));
    expect(run.asked).toEqual([]);
  });

  it("stops sleeping when the run is cancelled", async () => {
    const run = fakeRun();
    const sleeping = run.execute(() => wait.for({ seconds: 5 }));
    run.abort.abort();
    await expect(sleeping).rejects.toMatchObject({ name: "AbortError" });
  });

  it.each([
    {},
    { fortnights: 1 },
    { seconds: 1, minutes: 1 },
    { seconds: -1 },
    { seconds: Number.NaN },
    { years: 101 },
    { seconds: 6, idempotencyKey: "k" },
  ])("refuses %o", async (options) => {
    const run = fakeRun();
    const waiting = run.execute(() => wait.for(options as unknown as WaitForOptions));
    await expect(waiting).rejects.toThrow(/^wait\.for\(\) takes/);
    expect(run.asked).toEqual([]);
  });

  it("cannot be used outside a run", async () => {
    await expect(wait.for({ seconds: 1 })).rejects.toThrow("inside a task.run()");
  });
});

describe("wait.until", () => {
  it("waits durably for a date that is far away", async () => {
    const run = fakeRun();
    await run.execute(() => wait.until({ date: new Date(NOW + 5001) }));
    expect(run.asked).toEqual([["waitUntil", NOW + 5001]]);
  });

  it("sleeps in the process until a date that is near", async () => {
    const run = fakeRun();
    await run.execute(() => wait.until({ date: new Date(NOW + 10) }));
    expect(run.asked).toEqual([]);
  });

  it("does not wait for the past, or refuses to", async () => {
    const run = fakeRun();
    await run.execute(() => wait.until({ date: new Date(NOW - 1) }));
    const refusing = run.execute(() =>
      wait.until({ date: new Date(NOW - 1), throwIfInThePast: true }),
    );
    await expect(refusing).rejects.toThrow(/in the past/);
    expect(run.asked).toEqual([]);
  });

  it("asks for a date again that was waited for before the process was lost", async () => {
    const run = fakeRun({ hasWaitedUntil: (atMs) => atMs === NOW - 60_000 });
    const date = new Date(NOW - 60_000);
    await run.execute(() => wait.until({ date, throwIfInThePast: true }));
    expect(run.asked).toEqual([["waitUntil", NOW - 60_000]]);
  });

  it.each([new Date(Number.NaN), new Date(NOW + 200 * 365 * 86_400_000)])(
    "refuses %s",
    async (date) => {
      await expect(fakeRun().execute(() => wait.until({ date }))).rejects.toThrow(
        /next hundred years/,
      );
    },
  );
});
