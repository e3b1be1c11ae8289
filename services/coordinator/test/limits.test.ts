/** Concurrency limits: never exceeded, never leaked, changed while runs wait. The broker's counters are asked, too. */
import { SLOTS, slotConsumer } from "@millrace/proto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sleep, until, Wire } from "@millrace/harness";
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
  const name = `limited/${queues++}`;
  await platform.queue(name, limit);
  return name;
}

/** Work that ends when the test says so. */
function held(): {
  readonly work: (run: ClaimedRun) => Promise<void>;
  readonly runs: ClaimedRun[];
} {
  const runs: ClaimedRun[] = [];
  return {
    runs,
    work: async (run) => {
      runs.push(run);
    },
  };
}

function executing(runIds: readonly string[]): string[] {
  return runIds.filter((runId) => platform.ledger.state(runId).status === "executing");
}

describe("a limited queue", () => {
  test("never has more runs than its limit, and leaves nothing behind", async () => {
    const name = await queue(3);
    await FakeAgent.join(platform, name, {
      work: async (run) => {
        await sleep(5);
        await run.succeed();
      },
    });
    const runIds = await platform.triggerMany(name, 60);
    await platform.untilFinished(runIds);
    expect(platform.ledger.peak(name)).toEqual({ slots: 3, executing: 3 });
    for (const runId of runIds)
      expect(platform.ledger.types(runId)).toEqual([
        "run-triggered",
        "slot-granted",
        "attempt-started",
        "attempt-succeeded",
      ]);
    await platform.untilGateIsClear(name);
    expect((await platform.gate(name)).limit).toBe(3);
  });

  test("gives its slots by priority, and among equals in the order of the triggers", async () => {
    const name = await queue(1);
    const { work, runs } = held();
    await FakeAgent.join(platform, name, { work });
    const first = await platform.trigger(name);
    await until("the first executes", () => runs.length === 1);
    const at = Date.now();
    const late = [];
    for (const priorityMs of [0, 2000, 0, 4000, -1000])
      late.push(await platform.trigger(name, { at, priorityMs }));
    for (let done = 1; done <= 6; done++) {
      await until("the next executes", () => runs.length === done);
      await runs[done - 1]?.succeed();
    }
    const [none, some, none2, most, less] = late;
    expect(runs.map((run) => run.runId)).toEqual([first, most, some, none, none2, less]);
    await platform.untilGateIsClear(name);
  });

  test("is given back by a run that waits, and asked for again when it goes on", async () => {
    const name = await queue(1);
    await FakeAgent.join(platform, name, {
      work: async (run) => {
        if (run.runId === waiting) await run.waitUntil(dueAt);
        await run.succeed();
      },
    });
    const dueAt = Date.now() + 60_000;
    const waiting = platform.newRunId(name);
    await platform.triggerAs(waiting, name);
    await platform.untilStatus(waiting, "waiting");
    const other = await platform.trigger(name);
    await platform.untilFinished([other]);
    await platform.tell(waiting, "scheduler", "timer-fired", {
      at: Date.now(),
      name: "wait-0",
      dueAt,
    });
    await platform.untilFinished([waiting]);
    const granted = platform.ledger.of(waiting).filter((event) => event.type === "slot-granted");
    expect(granted).toHaveLength(2);
    expect(platform.ledger.peak(name)).toEqual({ slots: 1, executing: 1 });
    await platform.untilGateIsClear(name);
  });

  test("is given back by runs that fail, are cancelled, and by those that only waited", async () => {
    const name = await queue(2);
    const { work, runs } = held();
    await FakeAgent.join(platform, name, { work });
    const runIds = await platform.triggerMany(name, 10);
    await until("two execute", () => runs.length === 2);
    for (const runId of runIds.filter((id) => !runs.some((run) => run.runId === id)).slice(0, 6))
      await platform.cancel(runId);
    await runs[0]?.fail();
    await platform.cancel(runs[1]?.runId ?? "");
    await runs[1]?.cancel();
    await until("the last two execute", () => runs.length === 4);
    await runs[2]?.succeed();
    await runs[3]?.succeed();
    await platform.untilFinished(runIds);
    expect(platform.ledger.peak(name).slots).toBe(2);
    await platform.untilGateIsClear(name);
  });

  test("keeps its slots busy however many waiting runs are cancelled at the wrong moment", async () => {
    const name = await queue(2);
    await FakeAgent.join(platform, name, {
      work: async (run) => {
        await sleep(Math.random() * 4);
        await run.succeed();
      },
    });
    const runIds = await platform.triggerMany(name, 100);
    for (const runId of runIds) {
      if (Math.random() < 0.5) await platform.cancel(runId);
      else await sleep(2);
    }
    await platform.untilFinished(runIds);
    expect(platform.ledger.peak(name).slots).toBe(2);
    await platform.untilGateIsClear(name);
  });
});

describe("a limit that changes", () => {
  test("acts at once, raised and lowered", async () => {
    const name = await queue(2);
    const { work, runs } = held();
    await FakeAgent.join(platform, name, { work });
    const runIds = await platform.triggerMany(name, 20);
    await until("two execute", () => executing(runIds).length === 2);
    await platform.queue(name, 5);
    await until("five execute", () => executing(runIds).length === 5);
    await platform.queue(name, 3);
    await until("the broker knows", async () => (await platform.gate(name)).limit === 3);
    await runs[0]?.succeed();
    await runs[1]?.succeed();
    await sleep(150);
    expect(executing(runIds)).toHaveLength(3);
    await runs[2]?.succeed();
    await until("the next executes", () => runs.length === 6);
    expect(executing(runIds)).toHaveLength(3);
    for (let done = 3; done < 20; done++) {
      await until("the next executes", () => runs.length > done);
      await runs[done]?.succeed();
    }
    await platform.untilFinished(runIds);
    await platform.untilGateIsClear(name);
  });

  test("to 0 lets nobody start until it is raised", async () => {
    const name = await queue(2);
    const { work, runs } = held();
    await FakeAgent.join(platform, name, { work });
    const runIds = await platform.triggerMany(name, 6);
    await until("two execute", () => runs.length === 2);
    await platform.queue(name, 0);
    await sleep(100);
    await runs[0]?.succeed();
    await runs[1]?.succeed();
    const late = await platform.trigger(name);
    await sleep(200);
    expect(runs).toHaveLength(2);
    await platform.queue(name, 10);
    await until("all others execute", () => runs.length === 7);
    for (const run of runs.slice(2)) await run.succeed();
    await platform.untilFinished([...runIds, late]);
    await platform.untilGateIsClear(name);
  });

  test.each([2, 0])("from %i to none launches everyone who waits", async (limit) => {
    const name = await queue(limit);
    const { work, runs } = held();
    await FakeAgent.join(platform, name, { work });
    const runIds = await platform.triggerMany(name, 10);
    await until("as many execute as may", () => runs.length === limit);
    await sleep(50);
    await platform.queue(name, null);
    await until("all execute", () => runs.length === 10);
    for (const run of runs) await run.succeed();
    await platform.untilFinished(runIds);
    await platform.untilGateIsClear(name);
  });

  test("from none to a number holds for runs triggered from then on", async () => {
    const name = await queue(null);
    const { work, runs } = held();
    await FakeAgent.join(platform, name, { work });
    const before = await platform.triggerMany(name, 5);
    await until("all execute", () => runs.length === 5);
    await platform.queue(name, 2);
    await sleep(50);
    const after = await platform.triggerMany(name, 5);
    await until("two more execute", () => runs.length === 7);
    await sleep(100);
    expect(executing(after)).toHaveLength(2);
    for (let done = 0; done < 10; done++) {
      await until("the next executes", () => runs.length > done);
      await runs[done]?.succeed();
    }
    await platform.untilFinished([...before, ...after]);
    await platform.untilGateIsClear(name);
  });
});

describe("a slot", () => {
  test("that is delivered again while it is held does not cost a waiting run its turn", async () => {
    const name = await queue(2);
    const { stream, ...consumer } = slotConsumer({ env: "dev", queue: name }, 2);
    // Held slots come again all the time.
    await platform.jsm.consumers.add(stream, {
      ...consumer,
      ack_policy: "explicit",
      ack_wait: 3e8,
    });
    const { work, runs } = held();
    await FakeAgent.join(platform, name, { work });
    const first = await platform.trigger(name);
    await until("it executes", () => runs.length === 1);
    await sleep(500);
    const second = await platform.trigger(name);
    await until("the second executes, too", () => runs.length === 2, 3000);
    for (const run of runs) await run.succeed();
    await platform.untilFinished([first, second]);
    expect(platform.ledger.peak(name)).toEqual({ slots: 2, executing: 2 });
    await platform.untilGateIsClear(name);
  });
});

describe("requests of runs that were cancelled while nobody led", () => {
  let own: Platform;
  beforeAll(async () => {
    own = await Platform.start();
  });
  afterAll(() => own.stop());

  test.each([
    ["some still wait", 1],
    ["nobody waits any more", 0],
  ])("are taken back by the next leader: %s", async (_, stillWaiting) => {
    const name = `left-${stillWaiting}`;
    await own.queue(name, 1);
    const { work, runs } = held();
    await FakeAgent.join(own, name, { work });
    const before = await own.coordinator();
    const first = await own.trigger(name);
    await until("it executes", () => runs.length === 1);
    const waiting = await own.triggerMany(name, 5);
    await until("all have asked", async () => (await own.gate(name)).messages === 6);
    await before.stop();
    await runs[0]?.succeed();
    for (const runId of waiting.slice(stillWaiting)) await own.cancel(runId);

    const after = await own.coordinator();
    await until("those that wait execute", () => runs.length === 1 + stillWaiting);
    await runs[1]?.succeed();
    await own.untilFinished([first, ...waiting]);
    await own.untilGateIsClear(name);
    await after.stop();
  });
});

describe("over a slow line", () => {
  let own: Platform;
  let wire: Wire;
  let leader: Coordinator;
  beforeAll(async () => {
    own = await Platform.start();
    wire = await Wire.to(own.broker.port);
    leader = await own.coordinator({ url: wire.url });
  });
  afterAll(async () => {
    await leader.stop();
    await wire.close();
    await own.stop();
  });

  test("the last of several changes of a limit counts, also when they come together", async () => {
    const name = "changing";
    await own.queue(name, 3);
    const { work, runs } = held();
    await FakeAgent.join(own, name, { work });
    const runIds = await own.triggerMany(name, 6);
    await until("three execute", () => runs.length === 3);
    wire.hold("to-client");
    await own.queue(name, 5);
    await own.queue(name, 3);
    await sleep(50);
    wire.mend();
    await sleep(200);
    expect((await own.gate(name)).limit).toBe(3);
    for (let done = 0; done < 6; done++) {
      await until("the next executes", () => runs.length > done);
      await runs[done]?.succeed();
    }
    await own.untilFinished(runIds);
    await own.untilGateIsClear(name);
  });

  test("a slot granted to a run that was cancelled in the same moment goes to the next", async () => {
    const name = "q";
    await own.queue(name, 1);
    const { work, runs } = held();
    await FakeAgent.join(own, name, { work });
    const first = await own.trigger(name);
    await until("the first executes", () => runs.length === 1);
    const [unlucky, next] = [await own.trigger(name), await own.trigger(name)];
    await until("both wait", async () => (await own.gate(name)).messages === 3);
    await sleep(50);
    // The leader hears that a slot is free; what it decides about it is on its way while the run is cancelled.
    wire.hold("to-broker");
    const { durable_name } = slotConsumer({ env: "dev", queue: name }, 1);
    await own.jsm.consumers.update(SLOTS.name, durable_name, { max_ack_pending: 2 });
    await until("it has decided", () => wire.held("to-broker") > 0);
    await own.cancel(unlucky);
    await sleep(50);
    await own.jsm.consumers.update(SLOTS.name, durable_name, { max_ack_pending: 1 });
    wire.mend();
    await until("the decision came too late", () => own.ledger.types(unlucky).length === 3);
    expect(own.ledger.types(unlucky)).toEqual([
      "run-triggered",
      "cancel-requested",
      "slot-granted",
    ]);
    await runs[0]?.succeed();
    await until("the next executes", () => runs.length === 2, 3000);
    await runs[1]?.succeed();
    await own.untilFinished([first, next]);
    await own.untilGateIsClear(name);
  });

  test("a slot that is delivered again while it is given back is not given to a second run", async () => {
    const name = "again";
    const { stream, ...consumer } = slotConsumer({ env: "dev", queue: name }, 1);
    await own.jsm.consumers.add(stream, { ...consumer, ack_policy: "explicit", ack_wait: 2e8 });
    await own.queue(name, 1);
    const { work, runs } = held();
    await FakeAgent.join(own, name, { work });
    const first = await own.trigger(name);
    await until("the first executes", () => runs.length === 1);
    // Its lease ends, and nobody pulls.
    await sleep(400);
    wire.hold("to-broker");
    const others = await own.triggerMany(name, 2);
    await until("the leader asks for them", () => wire.held("to-broker") > 0);
    await runs[0]?.succeed();
    await sleep(200);
    wire.mend();
    await until("the next executes", () => runs.length === 2);
    await sleep(300);
    expect(own.ledger.peak(name)).toEqual({ slots: 1, executing: 1 });
    for (let done = 1; done < 3; done++) {
      await until("it executes", () => runs.length > done);
      await runs[done]?.succeed();
    }
    await own.untilFinished([first, ...others]);
    await own.untilGateIsClear(name);
  });
});
