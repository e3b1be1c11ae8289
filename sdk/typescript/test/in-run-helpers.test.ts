/** What code of a run may use besides waiting, triggering and metadata. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { UnprocessableEntityError } from "../src/errors.ts";
import {
  createCache,
  heartbeats,
  InMemoryCache,
  locals,
  otel,
  tags,
  timeout,
  usage,
} from "../src/index.ts";
import { contextOf, fakeRun } from "./fake-run.ts";

describe("locals", () => {
  const key = locals.create<number>("n");

  it("belong to one attempt", async () => {
    const [one, other] = [fakeRun(), fakeRun()];
    await one.execute(async () => expect(locals.set(key, 1)).toBe(1));
    await one.execute(async () => expect(locals.getOrThrow(locals.create("n"))).toBe(1));
    await other.execute(async () => {
      expect(locals.get(key)).toBeUndefined();
      expect(() => locals.getOrThrow(key)).toThrow('"n" has not been set in this attempt');
    });
  });

  it("are none outside a run", () => {
    locals.set(key, 1);
    expect(locals.get(key)).toBeUndefined();
    expect(() => locals.getOrThrow(key)).toThrow("inside a run");
  });
});

describe("tags", () => {
  it("are added to the run", async () => {
    const run = fakeRun();
    await run.execute(async () => {
      await tags.add("one");
      await tags.add(["two", "three"]);
      await tags.add([]);
    });
    expect(run.asked).toEqual([
      ["runs.addTags", { runId: "run_1", tags: ["one"] }],
      ["runs.addTags", { runId: "run_1", tags: ["two", "three"] }],
    ]);
  });

  it("that are refused are told in the run's log, and the run goes on", async () => {
    const refusal = new UnprocessableEntityError(422, "A run has at most 10 tags");
    const run = fakeRun({ calls: { "runs.addTags": () => Promise.reject(refusal) } });
    await run.execute(() => tags.add("eleventh"));
    expect(run.asked.at(-1)).toEqual([
      "log",
      expect.objectContaining({
        level: "warn",
        message: expect.stringContaining("at most 10 tags"),
      }),
    ]);
  });

  it("cannot be added outside a run", async () => {
    await expect(tags.add("x")).rejects.toThrow("inside a run");
  });
});

describe("usage", () => {
  it("is the active time, and what it costs on a machine that has a price", async () => {
    const ctx = contextOf({ run: { baseCostInCents: 1 }, machine: { centsPerMs: 0.5 } });
    const run = fakeRun({ activeMs: () => ({ attempt: 10, total: 30 }) }, ctx);
    const current = await run.execute(async () => await usage.getCurrent());
    expect(current).toEqual({
      compute: {
        attempt: { durationMs: 10, costInCents: 5 },
        total: { durationMs: 30, costInCents: 15 },
      },
      baseCostInCents: 1,
      totalCostInCents: 16,
      durationMs: 30,
      costInCents: 15,
    });
  });

  it("of a part is measured without its waits", async () => {
    let attempt = 10;
    const run = fakeRun({ activeMs: () => ({ attempt, total: attempt }) });
    const measured = await run.execute(() =>
      usage.measure(async () => {
        attempt += 7;
        return "done";
      }),
    );
    expect(measured).toEqual({ result: "done", compute: { durationMs: 7, costInCents: 0 } });
  });

  it("is nothing outside a run, where parts can still be measured", async () => {
    expect(usage.getCurrent()).toMatchObject({ durationMs: 0, totalCostInCents: 0 });
    const { result, compute } = await usage.measure(() => sleep(10, 5));
    expect(result).toBe(5);
    expect(compute.durationMs).toBeGreaterThan(5);
  });
});

it("heartbeats give way to others, and know when they did", async () => {
  const other = vi.fn<() => void>();
  setImmediate(other);
  await heartbeats.yield();
  expect(other).toHaveBeenCalled();
  expect(heartbeats.getLastHeartbeat()?.getTime()).toBeGreaterThan(Date.now() - 5000);
});

it("timeout knows the run's signal, and a time that is never over", async () => {
  expect(timeout.signal).toBeUndefined();
  const run = fakeRun();
  await run.execute(async () => expect(timeout.signal).toBe(run.abort.signal));
  expect(timeout.None).toBe(2 ** 31 - 1);
});

it("otel runs code outside of the run's trace, and counts", () => {
  expect(otel.withExternalTrace(() => 5)).toBe(5);
  otel.metrics.getMeter("test").createCounter("n").add(1);
});

describe("a cache", () => {
  it("makes each value once, also when many ask at the same time", async () => {
    const cache = createCache(new InMemoryCache());
    const make = vi.fn<() => Promise<number>>(() => sleep(5, 1));
    expect(await Promise.all([cache("a", make), cache("a", make)])).toEqual([1, 1]);
    expect(await cache("a", make)).toBe(1);
    expect(make).toHaveBeenCalledTimes(1);
  });

  it("does not keep what throws, nor give what is too old", async () => {
    const store = new InMemoryCache();
    const cache = createCache(store);
    const failing = cache("a", () => {
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    store.set("a", { value: "old", metadata: { createdTime: Date.now() - 100, ttl: 50 } });
    expect(await cache("a", () => "new")).toBe("new");
    store.set("a", { value: "kept", metadata: { createdTime: 0, ttl: null } });
    expect(await cache("a", () => "new")).toBe("kept");
  });
});
