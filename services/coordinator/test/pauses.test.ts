/** Queues that are paused, opened again and overridden while runs wait in them. */
import { DISPATCH, dispatchFilter } from "@millrace/proto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sleep, until } from "@millrace/harness";
import { FakeAgent, type ClaimedRun } from "./fake-agent.ts";
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

async function queue(limit: number | null): Promise<string> {
  const name = `paused${queues++}`;
  await platform.queue(name, limit);
  return name;
}

async function dispatched(pool: string): Promise<number> {
  return (await platform.subjects(DISPATCH.name, dispatchFilter("dev", pool, "small-1x"))).length;
}

let lastAt = 0;

/** Triggers runs one after the other, each a millisecond later than the one before, also over several calls. */
async function inOrder(name: string, count: number, concurrencyKey?: string): Promise<string[]> {
  const runIds: string[] = [];
  for (let i = 0; i < count; i++) {
    lastAt = Math.max(lastAt + 1, Date.now());
    runIds.push(
      await platform.trigger(name, {
        at: lastAt,
        ...(concurrencyKey === undefined ? {} : { concurrencyKey }),
      }),
    );
  }
  return runIds;
}

function holding(): {
  readonly runs: ClaimedRun[];
  readonly work: (run: ClaimedRun) => Promise<void>;
} {
  const runs: ClaimedRun[] = [];
  return {
    runs,
    work: async (run) => {
      runs.push(run);
    },
  };
}

describe("a paused queue", () => {
  test("without a limit takes back what nobody has claimed, and goes on in order", async () => {
    const name = await queue(null);
    const runIds = await inOrder(name, 100);
    await until("the window is full", async () => (await dispatched(name)) === 64);
    await platform.queue(name, null, { paused: true });
    await until("all are withdrawn", async () => (await dispatched(name)) === 0);
    runIds.push(...(await inOrder(name, 5)));
    await FakeAgent.join(platform, name, { capacity: 1 });
    await sleep(200);
    expect(platform.ledger.started(runIds)).toEqual([]);
    await platform.queue(name, null);
    await platform.untilFinished(runIds);
    expect(platform.ledger.started(runIds)).toEqual(runIds);
  });

  test("goes on with what executes, and starts nothing", async () => {
    const name = await queue(null);
    const { runs, work } = holding();
    await FakeAgent.join(platform, name, { work });
    const before = await platform.triggerMany(name, 3);
    await until("all execute", () => runs.length === 3);
    await platform.queue(name, null, { paused: true });
    await coordinator.untilPaused(name);
    const late = await platform.trigger(name, { concurrencyKey: "a" });
    await sleep(150);
    for (const run of runs) await run.succeed();
    await platform.untilFinished(before);
    expect(runs).toHaveLength(3);
    await platform.queue(name, null);
    await until("it executes", () => runs.length === 4);
    await runs[3]?.succeed();
    await platform.untilFinished([late]);
  });

  test.each([undefined, "key"])(
    "with a limit takes back what has a slot and no agent, and keeps the slot (key: %s)",
    async (key) => {
      const name = await queue(2);
      const runIds = await inOrder(name, 6, key);
      await until("two are dispatched", async () => (await dispatched(name)) === 2);
      await platform.queue(name, 2, { paused: true });
      await until("they are withdrawn", async () => (await dispatched(name)) === 0);
      await FakeAgent.join(platform, name);
      await sleep(200);
      expect(platform.ledger.started(runIds)).toEqual([]);
      await platform.queue(name, 2);
      await platform.untilFinished(runIds);
      expect(platform.ledger.started(runIds).slice(0, 2).toSorted()).toEqual(
        runIds.slice(0, 2).toSorted(),
      );
      expect(platform.ledger.peak(name).slots).toBe(2);
    },
  );

  test("lets a run go on after its wait when it is opened", async () => {
    const name = await queue(null);
    const dueAt = Date.now() + 60_000;
    const agent = await FakeAgent.join(platform, name, {
      work: async (run) => {
        await run.waitUntil(dueAt);
        await run.succeed();
      },
    });
    const runId = await platform.trigger(name);
    await platform.untilStatus(runId, "waiting");
    await platform.queue(name, null, { paused: true });
    await coordinator.untilPaused(name);
    await platform.tell(runId, "scheduler", "timer-fired", {
      at: Date.now(),
      name: "wait-0",
      dueAt,
    });
    await platform.untilStatus(runId, "queued");
    await sleep(100);
    expect(agent.signals).toEqual([]);
    await platform.queue(name, null);
    await platform.untilFinished([runId]);
  });

  test("is paused for the next leader, too: also for what its predecessor had dispatched", async () => {
    const own = await Platform.start();
    await own.queue("q", null);
    const first = await own.coordinator();
    const runIds = await Promise.all([
      own.triggerMany("q", 20),
      own.trigger("q", { concurrencyKey: "a" }),
    ]);
    const all = runIds.flat();
    const count = async (): Promise<number> =>
      (await own.subjects(DISPATCH.name, dispatchFilter("dev", "q", "small-1x"))).length;
    await until("all are dispatched", async () => (await count()) === 21);
    await first.stop();
    await own.queue("q", null, { paused: true });
    const second = await own.coordinator();
    await until("they are withdrawn", async () => (await count()) === 0);
    await FakeAgent.join(own, "q");
    await sleep(200);
    expect(own.ledger.started(all)).toEqual([]);
    await own.queue("q", null);
    await own.untilFinished(all);
    await second.stop();
    await own.stop();
  });
});

describe("an override", () => {
  test("counts instead of the limit, at once, and until it is reset", async () => {
    const name = await queue(1);
    const { runs, work } = holding();
    await FakeAgent.join(platform, name, { work });
    const keyed = await inOrder(name, 5, "a");
    const plain = await inOrder(name, 5);
    await until("one of each executes", () => runs.length === 2);
    const override = { concurrencyLimit: 3, at: Date.now() };
    await platform.queue(name, 1, { override });
    await until("three of each execute", () => runs.length === 6);
    await platform.queue(name, 1);
    await until("the broker knows", async () => (await platform.gate(name)).limit === 1);
    await runs[0]?.succeed();
    await runs[1]?.succeed();
    await sleep(150);
    expect(runs).toHaveLength(6);
    for (let done = 2; done < 10; done++) {
      await until("the next executes", () => runs.length > done);
      await runs[done]?.succeed();
    }
    await platform.untilFinished([...keyed, ...plain]);
    await platform.untilGateIsClear(name);
  });

  test("limits a queue that has no limit: also what was dispatched and not claimed", async () => {
    const name = await queue(null);
    const runIds = await inOrder(name, 10);
    await until("all are dispatched", async () => (await dispatched(name)) === 10);
    await platform.queue(name, null, { override: { concurrencyLimit: 2, at: 1 } });
    await until("two are dispatched", async () => (await dispatched(name)) === 2);
    const { runs, work } = holding();
    await FakeAgent.join(platform, name, { work });
    await until("two execute", () => runs.length === 2);
    await sleep(100);
    expect(runs).toHaveLength(2);
    await platform.queue(name, null);
    await until("all execute", () => runs.length === 10);
    for (const run of runs) await run.succeed();
    await platform.untilFinished(runIds);
  });
});
