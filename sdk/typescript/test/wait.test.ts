import { STORED } from "@millrace/proto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WaitpointTimeoutError } from "../src/errors.ts";
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

describe("a wait with an idempotency key", () => {
  const agreeing = (until: number) => fakeRun({ calls: { "waits.until": () => ({ until }) } });

  it("ends when it would have ended the first time", async () => {
    const run = agreeing(NOW + 30_000);
    await run.execute(() => wait.for({ minutes: 1, idempotencyKey: "k", idempotencyKeyTTL: "1h" }));
    await run.execute(() =>
      wait.until({ date: new Date(NOW + 60_000), idempotencyKey: ["k", "2"] }),
    );
    const key = expect.stringMatching(/^[0-9a-f]{64}$/);
    expect(run.asked).toEqual([
      ["waits.until", { key, ttl: "1h", until: NOW + 60_000 }],
      ["waitUntil", NOW + 30_000],
      ["waits.until", { key, until: NOW + 60_000 }],
      ["waitUntil", NOW + 30_000],
    ]);
  });

  it("is none at all when that has passed", async () => {
    const run = agreeing(NOW - 1);
    await run.execute(() => wait.for({ minutes: 1, idempotencyKey: "k" }));
    expect(run.asked).toMatchObject([["waits.until", {}]]);
  });
});

describe("wait.forToken", () => {
  const completed = { ok: true, output: '{"by":"Ada"}', outputType: "application/json" } as const;
  const late = { ok: false, code: "TRIGGER_WAITPOINT_TIMEOUT", message: "timed out" } as const;

  it("gives the token's output", async () => {
    const run = fakeRun({ waitForToken: () => Promise.resolve(completed) });
    const result = await run.execute(async () => await wait.forToken("waitpoint_1"));
    expect(result).toEqual({ ok: true, output: { by: "Ada" } });
    const output = await run.execute(() => wait.forToken({ id: "waitpoint_1" }).unwrap());
    expect(output).toEqual({ by: "Ada" });
  });

  it("fetches a large output", async () => {
    const stored = { ok: true, output: "out/1", outputType: STORED } as const;
    const run = fakeRun({
      waitForToken: () => Promise.resolve(stored),
      calls: { "packets.load": () => ({ data: "much", type: "text/plain" }) },
    });
    expect(await run.execute(() => wait.forToken("waitpoint_1").unwrap())).toBe("much");
    expect(run.asked).toEqual([["packets.load", { path: "out/1" }]]);
  });

  it("tells that nobody completed it in time", async () => {
    const run = fakeRun({ waitForToken: () => Promise.resolve(late) });
    const result = await run.execute(async () => await wait.forToken("waitpoint_1"));
    expect(result).toMatchObject({ ok: false, error: { message: "timed out" } });
    const unwrapping = run.execute(() => wait.forToken("waitpoint_1").unwrap());
    await expect(unwrapping).rejects.toBeInstanceOf(WaitpointTimeoutError);
  });

  it("makes the token of an older call's name", async () => {
    const run = fakeRun({
      waitForToken: async (id) => {
        run.asked.push(["waitForToken", id]);
        return completed;
      },
      calls: { "tokens.create": () => ({ id: "waitpoint_9", isCached: false }) },
    });
    await run.execute(async () => {
      await wait.forToken({ token: "approval", timeoutInSeconds: 3600 });
    });
    expect(run.asked).toEqual([
      ["tokens.create", { idempotencyKey: "approval", timeout: "3600s" }],
      ["waitForToken", "waitpoint_9"],
    ]);
  });

  it("cannot be used outside a run", async () => {
    await expect(wait.forToken("waitpoint_1")).rejects.toThrow("inside a task.run()");
    await expect(wait.forToken("waitpoint_1").unwrap()).rejects.toThrow("inside a task.run()");
  });
});
