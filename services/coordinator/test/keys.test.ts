/** Slots that are given in the leader's memory: per concurrency key, and under a rate limit; also over takeovers. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sleep, until, Wire } from "@millrace/harness";
import { FakeAgent, type ClaimedRun } from "./fake-agent.ts";
import { peaksByKey, ratedStarts, shortestExcess } from "./peaks.ts";
import { Platform, type Coordinator } from "./platform.ts";

let platform: Platform;
let coordinator: Coordinator;
let queues = 0;

beforeAll(async () => {
  platform = await Platform.start();
  coordinator = await platform.coordinator();
});
afterAll(async () => {
  await coordinator.stop();
  await platform.stop();
});

const brief = async (run: ClaimedRun): Promise<void> => {
  await sleep(5);
  await run.succeed();
};

async function triggerKeyed(
  on: Platform,
  queue: string,
  keys: readonly (string | undefined)[],
  each: number,
): Promise<string[]> {
  const triggers = Array.from({ length: each }, () => keys).flat();
  return await Promise.all(
    triggers.map((key) => on.trigger(queue, key === undefined ? {} : { concurrencyKey: key })),
  );
}

describe("a limit of each key", () => {
  test("is reached and not exceeded by every key, and by the runs without one; nothing stays held", async () => {
    const name = `keyed/${queues++}`;
    await platform.queue(name, 2);
    await FakeAgent.join(platform, name, { work: brief });
    const runIds = await triggerKeyed(platform, name, ["a", "b", "c", undefined], 20);
    await platform.untilFinished(runIds);
    const full = { slots: 2, executing: 2 };
    expect(Object.fromEntries(peaksByKey(platform.ledger.events, name))).toEqual({
      a: full,
      b: full,
      c: full,
      "": full,
    });
    await platform.untilGateIsClear(name);
    // Whoever held a slot has given it back.
    const again = await triggerKeyed(platform, name, ["a", "b", "c", undefined], 2);
    await platform.untilFinished(again, 3000);
  });

  test("does not let one key's backlog delay another key", async () => {
    const name = `keyed/${queues++}`;
    await platform.queue(name, 1);
    const runs: ClaimedRun[] = [];
    await FakeAgent.join(platform, name, {
      work: async (run) => {
        runs.push(run);
      },
    });
    await triggerKeyed(platform, name, ["big"], 200);
    const [small] = await triggerKeyed(platform, name, ["small"], 1);
    await until("both keys execute", () => runs.length === 2);
    expect(runs[1]?.runId).toBe(small);
  });

  test("goes on when a granted run is cancelled, fails or waits", async () => {
    const name = `keyed/${queues++}`;
    await platform.queue(name, 1);
    const dueAt = Date.now() + 60_000;
    const waiting = platform.newRunId(name);
    await FakeAgent.join(platform, name, {
      work: async (run) => {
        if (run.runId === waiting && run.attempt === 1) await run.waitUntil(dueAt);
        if (Math.random() < 0.3) await run.fail();
        else await run.succeed();
      },
    });
    await platform.triggerAs(waiting, name, { concurrencyKey: "a" });
    const runIds = await triggerKeyed(platform, name, ["a"], 30);
    for (const runId of runIds.slice(10)) if (Math.random() < 0.5) await platform.cancel(runId);
    await platform.untilFinished(runIds);
    await platform.tell(waiting, "scheduler", "timer-fired", {
      at: Date.now(),
      name: "wait-0",
      dueAt,
    });
    await platform.untilFinished([waiting]);
    expect(peaksByKey(platform.ledger.events, name).get("a")).toEqual({ slots: 1, executing: 1 });
  });
});

test("a grant of an earlier leader that comes when its slot is somebody else's waits for one", async () => {
  const name = `keyed/${queues++}`;
  await platform.queue(name, 1);
  const runs: ClaimedRun[] = [];
  await FakeAgent.join(platform, name, {
    work: async (run) => {
      runs.push(run);
    },
  });
  const first = await platform.trigger(name, { concurrencyKey: "a" });
  const second = await platform.trigger(name, { concurrencyKey: "a" });
  await until("the first executes", () => runs.length === 1);
  const grant = { queue: name, slotId: `${second}-1`, reply: "", admission: 1, key: "a" };
  await platform.tell(second, "coordinator", "slot-granted", { at: Date.now(), ...grant });
  await sleep(150);
  expect(platform.ledger.state(second)).toMatchObject({ status: "queued", slot: { key: "a" } });
  await runs[0]?.succeed();
  await until("the second executes", () => runs.length === 2);
  const third = await platform.trigger(name, { concurrencyKey: "a" });
  await sleep(50);
  expect(runs).toHaveLength(2);
  await runs[1]?.succeed();
  await until("the third executes", () => runs.length === 3);
  await runs[2]?.succeed();
  await platform.untilFinished([first, second, third]);
  expect(peaksByKey(platform.ledger.events, name).get("a")?.executing).toBe(1);
});

describe("a rate limit", () => {
  test("of the queue is kept, and used up", async () => {
    const name = `rated/${queues++}`;
    await platform.queue(name, null, { rateLimit: { limit: 5, periodMs: 300, per: "queue" } });
    await FakeAgent.join(platform, name);
    const startedAt = Date.now();
    const runIds = await triggerKeyed(platform, name, ["a", "b", undefined], 7);
    await platform.untilFinished(runIds);
    const starts = ratedStarts(platform.ledger.events, name);
    expect(starts).toHaveLength(21);
    expect(shortestExcess(starts, 5)).toBeGreaterThanOrEqual(300);
    // Four refills are enough for 21.
    expect((starts.at(-1) ?? 0) - startedAt).toBeLessThan(4 * 300 + 600);
  });

  test("of each key holds no other key back", async () => {
    const name = `rated/${queues++}`;
    await platform.queue(name, null, { rateLimit: { limit: 2, periodMs: 400, per: "key" } });
    await FakeAgent.join(platform, name);
    const runIds = await triggerKeyed(platform, name, ["a", "b", "c"], 4);
    await platform.untilFinished(runIds);
    for (const key of ["a", "b", "c"]) {
      const starts = ratedStarts(platform.ledger.events, name, key);
      expect(starts).toHaveLength(4);
      expect(shortestExcess(starts, 2)).toBeGreaterThanOrEqual(400);
    }
    const all = ratedStarts(platform.ledger.events, name);
    expect((all.at(-1) ?? 0) - (all[0] ?? 0)).toBeLessThan(1000);
  });

  test("and a concurrency limit hold together, for runs with and without keys", async () => {
    const name = `rated/${queues++}`;
    await platform.queue(name, 2, { rateLimit: { limit: 6, periodMs: 300, per: "queue" } });
    await FakeAgent.join(platform, name, { work: brief });
    const runIds = await triggerKeyed(platform, name, ["a", undefined], 12);
    await platform.untilFinished(runIds);
    const starts = ratedStarts(platform.ledger.events, name);
    expect(starts).toHaveLength(24);
    expect(shortestExcess(starts, 6)).toBeGreaterThanOrEqual(300);
    for (const peak of peaksByKey(platform.ledger.events, name).values())
      expect(peak.slots).toBeLessThanOrEqual(2);
  });

  test("that is put on a limited queue counts those who hold the broker's slots, and taken away gives the line back", async () => {
    const name = `rated/${queues++}`;
    await platform.queue(name, 2);
    const runs: ClaimedRun[] = [];
    await FakeAgent.join(platform, name, {
      work: async (run) => {
        runs.push(run);
      },
    });
    const runIds = await platform.triggerMany(name, 8);
    const finish = async (count: number): Promise<void> => {
      for (; finished < count; finished++) {
        await until("the next executes", () => runs.length > finished);
        await runs[finished]?.succeed();
      }
    };
    let finished = 0;
    await until("two execute", () => runs.length === 2);
    await platform.queue(name, 2, { rateLimit: { limit: 100, periodMs: 1000, per: "queue" } });
    await sleep(100);
    await finish(3);
    await platform.queue(name, 2);
    await sleep(100);
    await finish(8);
    await platform.untilFinished(runIds);
    expect(platform.ledger.peak(name)).toEqual({ slots: 2, executing: 2 });
    await platform.untilGateIsClear(name);
  });
});

describe.concurrent("a takeover", () => {
  async function onPlatform(use: (own: Platform) => Promise<void>): Promise<void> {
    const own = await Platform.start();
    try {
      await use(own);
    } finally {
      await own.stop();
    }
  }

  test("of a leader that was cut off exceeds no key's limit, and leaks no slot", () =>
    onPlatform(async (own) => {
      const wire = await Wire.to(own.broker.port);
      const first = await own.coordinator({ url: wire.url });
      await own.queue("q", 2);
      const keys = ["a", "b", "c", undefined];
      const stuck: ClaimedRun[] = [];
      let crashed = false;
      await FakeAgent.join(own, "q", {
        work: async (run) => {
          if (crashed) await brief(run);
          else stuck.push(run);
        },
      });
      const runIds = await triggerKeyed(own, "q", keys, 10);
      await until("each key has two", () => stuck.length === 8);
      wire.cut();
      crashed = true;
      const second = await own.coordinator();
      // One of each key gives its slot back while nobody leads.
      const early = stuck.filter((_, i) => i % 2 === 0);
      for (const run of early) await run.succeed();
      const isStuck = new Set(stuck.map((run) => run.runId));
      await until("those who can have finished", () => finishedOf(own, runIds).length > 8, 25_000);
      wire.mend();
      for (const run of stuck.filter((each) => !early.includes(each))) await run.succeed();
      await own.untilFinished(runIds, 25_000);
      expect(isStuck.size).toBe(8);
      const full = { slots: 2, executing: 2 };
      expect([...peaksByKey(own.ledger.events, "q").values()]).toEqual([full, full, full, full]);
      await own.untilFinished(await triggerKeyed(own, "q", keys, 4), 5000);
      expect(peaksByKey(own.ledger.events, "q").get("a")).toEqual(full);
      await own.untilGateIsClear("q");
      await second.stop();
      await first.stop();
      await wire.close();
    }));

  test("again and again, while runs come and go, exceeds nothing", () =>
    onPlatform(async (own) => {
      await own.queue("q", 2, { rateLimit: { limit: 20, periodMs: 200, per: "queue" } });
      await FakeAgent.join(own, "q", { work: brief });
      const runIds: string[] = [];
      for (let i = 0; i < 4; i++) {
        const leader = await own.coordinator();
        runIds.push(...(await triggerKeyed(own, "q", ["a", "b", undefined], 10)));
        await sleep(50 * i);
        await leader.stop();
      }
      const last = await own.coordinator();
      await own.untilFinished(runIds);
      const starts = ratedStarts(own.ledger.events, "q");
      expect(starts).toHaveLength(runIds.length);
      expect(shortestExcess(starts, 20)).toBeGreaterThanOrEqual(200);
      for (const peak of peaksByKey(own.ledger.events, "q").values())
        expect(peak).toEqual({ slots: 2, executing: 2 });
      await last.stop();
    }));

  test.each(["an orderly end", "a crash"])(
    "after %s keeps the rate limit exactly",
    (how) =>
      onPlatform(async (own) => {
        const wire = await Wire.to(own.broker.port);
        const first = await own.coordinator({ url: wire.url });
        const periodMs = 20_000;
        await own.queue("q", null, { rateLimit: { limit: 5, periodMs, per: "queue" } });
        await FakeAgent.join(own, "q");
        const runIds = await own.triggerMany("q", 7);
        await until("five have started", () => ratedStarts(own.ledger.events, "q").length === 5);
        if (how === "a crash") wire.cut();
        else await first.stop();
        const second = await own.coordinator();
        await until("it leads", () => second.leadership.settled, 20_000);
        await own.queue("mark", null);
        await FakeAgent.join(own, "mark");
        await own.untilFinished([await own.trigger("mark")]);
        await sleep(300);
        expect(ratedStarts(own.ledger.events, "q")).toHaveLength(5);
        await own.untilFinished(runIds, 25_000);
        const starts = ratedStarts(own.ledger.events, "q");
        expect(starts).toHaveLength(7);
        expect(shortestExcess(starts, 5)).toBeGreaterThanOrEqual(periodMs);
        await second.stop();
        wire.mend();
        await first.stop();
        await wire.close();
      }),
    60_000,
  );
});

function finishedOf(on: Platform, runIds: readonly string[]): string[] {
  return runIds.filter((runId) => on.ledger.state(runId).status === "finished");
}
