/** What a leader does about runs: dispatch, timers, signals, lost agents. */
import {
  DISPATCH,
  dispatchFilter,
  encodeEvent,
  RESUME,
  runSubject,
  signalConsumer,
  TIMERS,
  timerSubject,
} from "@millrace/proto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sleep, until } from "@millrace/harness";
import { FakeAgent } from "./fake-agent.ts";
import { Platform, type Coordinator } from "./platform.ts";

let platform: Platform;
let coordinator: Coordinator;
let pools = 0;

beforeAll(async () => {
  platform = await Platform.start();
  coordinator = await platform.coordinator();
});
afterAll(async () => {
  await coordinator.stop();
  await platform.stop();
});

/** A queue without a limit, and the pool of its agents, of its own for each test. */
async function queue(): Promise<string> {
  const name = `q${pools++}`;
  await platform.queue(name, null);
  return name;
}

async function dispatched(pool: string): Promise<string[]> {
  const subjects = await platform.subjects(DISPATCH.name, dispatchFilter("dev", pool, "small-1x"));
  return subjects.map((subject) => subject.slice(subject.lastIndexOf(".") + 1));
}

const LONG_MS = 60_000;

describe("a plain run", () => {
  test("is dispatched, claimed and completed with three events and nothing left over", async () => {
    const pool = await queue();
    await FakeAgent.join(platform, pool);
    const runId = await platform.trigger(pool);
    await platform.untilFinished([runId]);
    expect(platform.ledger.types(runId)).toEqual([
      "run-triggered",
      "attempt-started",
      "attempt-succeeded",
    ]);
    expect(await dispatched(pool)).toEqual([]);
  });

  test("is taken by one agent of many", async () => {
    const pool = await queue();
    const agents = await Promise.all(
      Array.from({ length: 4 }, () => FakeAgent.join(platform, pool, { capacity: 5 })),
    );
    const runIds = await platform.triggerMany(pool, 100);
    await platform.untilFinished(runIds);
    for (const runId of runIds) expect(platform.ledger.types(runId)).toHaveLength(3);
    expect(agents.flatMap((agent) => agent.signals)).toEqual([]);
  });

  test("waits in a queue that nobody has registered yet", async () => {
    const pool = `later${pools++}`;
    await FakeAgent.join(platform, pool);
    const runId = await platform.trigger(pool);
    await sleep(300);
    expect(platform.ledger.types(runId)).toEqual(["run-triggered"]);
    await platform.queue(pool, null);
    await platform.untilFinished([runId]);
  });

  test("that is cancelled before anyone claimed it is withdrawn", async () => {
    const pool = await queue();
    const runId = await platform.trigger(pool);
    await until("it is dispatched", async () => (await dispatched(pool)).includes(runId));
    await platform.cancel(runId);
    await until("it is withdrawn", async () => (await dispatched(pool)).length === 0);
    await FakeAgent.join(platform, pool);
    await sleep(100);
    expect(platform.ledger.types(runId)).toEqual(["run-triggered", "cancel-requested"]);
  });

  test("that is cancelled right after its trigger leaves neither dispatch nor timer", async () => {
    const pool = await queue();
    const runIds = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const runId = platform.newRunId(pool);
        const triggering = platform.triggerAs(runId, pool, { ttlMs: LONG_MS });
        await Promise.all([triggering, platform.cancel(runId)]);
        return runId;
      }),
    );
    await platform.untilFinished(runIds);
    await until("nothing is left", async () => {
      const timers = await Promise.all(runIds.map((runId) => armed(runId)));
      return (await dispatched(pool)).length === 0 && timers.flat().length === 0;
    });
    await sleep(100);
    expect(await dispatched(pool)).toEqual([]);
  });

  test("is dispatched no further ahead than agents need, the rest by priority", async () => {
    const pool = await queue();
    const early = await platform.triggerMany(pool, 70);
    await until("the window is full", async () => (await dispatched(pool)).length === 64);
    const urgent = await platform.trigger(pool, { priorityMs: 100_000 });
    await FakeAgent.join(platform, pool, { capacity: 1 });
    await platform.untilFinished([...early, urgent]);
    const order = platform.ledger.started([...early, urgent]);
    expect(order.indexOf(urgent)).toBe(64);
  });

  test("whose attempt fails is tried again: on its agent at once, or through the queue by a timer", async () => {
    const pool = await queue();
    await FakeAgent.join(platform, pool, {
      work: async (run) => {
        if (run.attempt > 1) await run.succeed();
        else await run.fail({ at: Date.now() + 300, where: "queue" });
      },
    });
    const runId = await platform.trigger(pool);
    await platform.untilStatus(runId, "backoff");
    const timer = timerSubject("dev", runId, "retry");
    await until("the timer is armed", async () => (await armed(runId)).includes(timer));
    await due(runId, "retry");
    await platform.untilFinished([runId]);
    expect(platform.ledger.state(runId)).toMatchObject({ outcome: "completed", attempt: 2 });
  });
});

/** Timers of the run that are armed in the broker. */
async function armed(runId: string): Promise<string[]> {
  return await platform.subjects(TIMERS.name, timerSubject("dev", runId, "*"));
}

/** States that the timer the run waits for has fired. */
async function due(runId: string, name: string): Promise<void> {
  const run = platform.ledger.state(runId);
  const wait = run.status === "absent" ? undefined : run.waits.at(-1);
  const dueAt = "until" in run ? run.until : wait?.kind === "duration" ? wait.until : 0;
  await platform.tell(runId, "scheduler", "timer-fired", { at: Date.now(), name, dueAt });
}

describe("time", () => {
  test("a delayed run holds a timer, and is dispatched when it has fired", async () => {
    const pool = await queue();
    await FakeAgent.join(platform, pool);
    const runId = await platform.trigger(pool, { delayUntil: Date.now() + LONG_MS });
    const timer = timerSubject("dev", runId, "delay");
    await until("the timer is armed", async () => (await armed(runId)).includes(timer));
    expect(platform.ledger.types(runId)).toEqual(["run-triggered"]);
    await due(runId, "delay");
    await platform.untilFinished([runId]);
  });

  test("a delayed run that is cancelled leaves no timer", async () => {
    const runId = await platform.trigger(await queue(), { delayUntil: Date.now() + LONG_MS });
    await until("the timer is armed", async () => (await armed(runId)).length === 1);
    await platform.cancel(runId);
    await until("the timer is disarmed", async () => (await armed(runId)).length === 0);
  });

  test("a timer in the broker becomes due by itself", async () => {
    const runId = await platform.trigger(await queue(), { delayUntil: Date.now() + 300 });
    const at = timerSubject("dev", runId, "delay").replace("timer.", "due.");
    await until("it is due", async () => (await platform.subjects(TIMERS.name, at)).length === 1);
    expect(await armed(runId)).toEqual([]);
  });

  test("a run that nobody starts in time expires and is withdrawn", async () => {
    const pool = await queue();
    const runId = await platform.trigger(pool, { ttlMs: LONG_MS });
    const timer = timerSubject("dev", runId, "ttl");
    await until("the timer is armed", async () => (await armed(runId)).includes(timer));
    await until("it is dispatched", async () => (await dispatched(pool)).length === 1);
    await due(runId, "ttl");
    await platform.untilFinished([runId]);
    expect(platform.ledger.state(runId)).toMatchObject({ outcome: "expired" });
    await until("it is withdrawn", async () => (await dispatched(pool)).length === 0);
  });

  test("a run that has started needs its time to live no more", async () => {
    const pool = await queue();
    const runId = await platform.trigger(pool, { ttlMs: LONG_MS });
    await until("the timer is armed", async () => (await armed(runId)).length === 1);
    await FakeAgent.join(platform, pool);
    await platform.untilFinished([runId]);
    await until("the timer is disarmed", async () => (await armed(runId)).length === 0);
  });

  test("a waiting run goes on in its process when its timer has fired", async () => {
    const pool = await queue();
    const agent = await FakeAgent.join(platform, pool, {
      work: async (run) => {
        await run.waitUntil(Date.now() + LONG_MS);
        await run.succeed();
      },
    });
    const runId = await platform.trigger(pool);
    await platform.untilStatus(runId, "waiting");
    const timer = timerSubject("dev", runId, "wait-0");
    await until("the timer is armed", async () => (await armed(runId)).includes(timer));
    await due(runId, "wait-0");
    await platform.untilFinished([runId]);
    expect(agent.signals).toMatchObject([{ runId, kind: "resume", admission: 2 }]);
    expect(platform.ledger.types(runId).slice(-2)).toEqual([
      "attempt-resumed",
      "attempt-succeeded",
    ]);
    expect(await dispatched(pool)).toEqual([]);
  });
});

/** Claims a run without having been dispatched it. */
async function claim(runId: string, agentId: string, expectLastSeq?: number): Promise<void> {
  await platform.publisher.publish(
    runSubject("dev", runId, "agent"),
    encodeEvent("attempt-started", {
      at: Date.now(),
      attempt: 1,
      agentId,
      claimId: "c",
      continues: false,
      maxAttempts: null,
    }),
    { type: "attempt-started", ...(expectLastSeq === undefined ? {} : { expectLastSeq }) },
  );
}

describe("an agent is told", () => {
  test("to cancel the run it executes", async () => {
    const pool = await queue();
    const agent = await FakeAgent.join(platform, pool, {
      work: async (run) => {
        await run.canceled;
        await run.cancel();
      },
    });
    const runId = await platform.trigger(pool);
    await platform.untilStatus(runId, "executing");
    await platform.cancel(runId);
    await platform.untilFinished([runId]);
    expect(platform.ledger.state(runId)).toMatchObject({ outcome: "canceled" });
    expect(agent.signals).toMatchObject([{ runId, kind: "cancel" }]);
  });

  test("to let go of a waiting run that was cancelled", async () => {
    const pool = await queue();
    const agent = await FakeAgent.join(platform, pool, {
      work: (run) => run.waitUntil(Date.now() + LONG_MS),
    });
    const runId = await platform.trigger(pool);
    await platform.untilStatus(runId, "waiting");
    await platform.cancel(runId);
    await until("it is told", () => agent.signals.length === 1);
    expect(agent.signals).toMatchObject([{ runId, kind: "stop" }]);
  });

  test.each([
    ["cancelled", (runId: string) => platform.cancel(runId)],
    [
      "completed by somebody else",
      async (runId: string) => {
        await claim(runId, "agent_first", 0);
        await platform.tell(runId, "agent", "attempt-succeeded", {
          at: Date.now(),
          attempt: 1,
          agentId: "agent_first",
          durationMs: 1,
          output: { type: "application/json" },
        });
      },
    ],
  ])("to stop a run it has claimed when it was %s before", async (_how, end) => {
    const runId = await platform.trigger(await queue());
    await end(runId);
    await platform.untilFinished([runId]);
    await sleep(50);
    await claim(runId, "agent_late");
    await until("it is told", async () => {
      const signals = await platform.subjects(
        RESUME.name,
        signalConsumer("dev", "agent_late").filter_subject,
      );
      return signals.some((subject) => subject.includes(runId) && subject.includes("stop-"));
    });
  });
});

describe.concurrent("an agent that is lost", () => {
  test("loses the run it executes, which is dispatched again", async () => {
    const pool = await queue();
    const first = await FakeAgent.join(platform, pool, {
      work: () => new Promise(() => undefined),
    });
    const runId = await platform.trigger(pool);
    await platform.untilStatus(runId, "executing");
    await first.vanish();
    const second = await FakeAgent.join(platform, pool);
    await platform.untilFinished([runId]);
    expect(platform.ledger.types(runId)).toEqual([
      "run-triggered",
      "attempt-started",
      "attempt-lost",
      "attempt-started",
      "attempt-succeeded",
    ]);
    expect(platform.ledger.state(runId)).toMatchObject({
      outcome: "completed",
      attempt: 2,
      losses: 1,
      lastAgentId: second.id,
    });
    // Should it live after all, it must let go of the run.
    await until("it is told", async () => {
      const { filter_subject } = signalConsumer("dev", first.id);
      const [signal] = await platform.subjects(RESUME.name, filter_subject);
      return signal?.includes(`${runId}.stop-`) === true;
    });
  });

  test("loses the process of a waiting run, which goes on elsewhere in the same attempt", async () => {
    const pool = await queue();
    const first = await FakeAgent.join(platform, pool, {
      work: (run) => run.waitUntil(Date.now() + LONG_MS),
    });
    const runId = await platform.trigger(pool);
    await platform.untilStatus(runId, "waiting");
    await first.vanish();
    const second = await FakeAgent.join(platform, pool);
    await until("its process is given up", () =>
      platform.ledger.types(runId).includes("attempt-lost"),
    );
    expect(platform.ledger.state(runId).status).toBe("waiting");
    await due(runId, "wait-0");
    await platform.untilFinished([runId]);
    expect(platform.ledger.state(runId)).toMatchObject({
      outcome: "completed",
      attempt: 1,
      losses: 0,
      lastAgentId: second.id,
    });
  });

  test("loses the run that was about to go on there", async () => {
    const pool = await queue();
    const first = await FakeAgent.join(platform, pool, {
      work: (run) => run.waitUntil(Date.now() + LONG_MS),
    });
    const runId = await platform.trigger(pool);
    await platform.untilStatus(runId, "waiting");
    await first.vanish();
    await due(runId, "wait-0");
    await platform.untilStatus(runId, "queued");
    await FakeAgent.join(platform, pool);
    await platform.untilFinished([runId]);
    expect(platform.ledger.state(runId)).toMatchObject({ outcome: "completed", attempt: 1 });
  });

  test("is not lost when it is back in time", async () => {
    const pool = await queue();
    const agent = await FakeAgent.join(platform, pool, {
      work: async (run) => {
        await sleep(6500);
        await run.succeed();
      },
    });
    const runId = await platform.trigger(pool);
    await platform.untilStatus(runId, "executing");
    await agent.hide();
    await sleep(3000);
    await agent.show();
    await platform.untilFinished([runId]);
    expect(platform.ledger.types(runId)).not.toContain("attempt-lost");
  });

  test("and never was there, is looked for when a run names it", async () => {
    const pool = await queue();
    const runId = await platform.trigger(pool);
    await claim(runId, "agent_unheard_of");
    await platform.untilStatus(runId, "executing");
    await until("it is lost", () => platform.ledger.types(runId).includes("attempt-lost"));
  });
});
