/** What a leader does about runs: dispatch, timers, signals, parents and children, lost agents. */
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
import { sleep, until } from "../../../sdk/nats/test/until.ts";
import { FakeAgent, type ClaimedRun } from "./fake-agent.ts";
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
        signalConsumer("agent_late").filter_subject,
      );
      return signals.some((subject) => subject.includes(runId) && subject.includes("stop-"));
    });
  });
});

describe("a parent", () => {
  /** A parent that waits for its children, which nobody executes yet. */
  async function family(count: number): Promise<{
    readonly parent: string;
    readonly children: readonly string[];
    readonly childPool: string;
    readonly agent: FakeAgent;
    readonly results: unknown[];
  }> {
    const [pool, childPool] = [await queue(), await queue()];
    const children = Array.from({ length: count }, () => platform.newRunId(childPool));
    const results: unknown[] = [];
    const agent = await FakeAgent.join(platform, pool, {
      work: async (run) => {
        results.push(...(await run.waitFor(children)));
        await run.succeed();
      },
    });
    const parent = await platform.trigger(pool);
    await platform.untilStatus(parent, "waiting");
    for (const [childIndex, child] of children.entries())
      await platform.triggerAs(child, childPool, {
        parent: { runId: parent, waitIndex: 0, childIndex },
      });
    return { parent, children, childPool, agent, results };
  }

  test("waits for two children and gets both results, each once", async () => {
    const { parent, children, childPool, agent, results } = await family(2);
    await FakeAgent.join(platform, childPool, {
      work: (run) => (run.runId === children[0] ? run.succeed('"one"') : run.fail()),
    });
    await platform.untilFinished([parent]);
    expect(results).toMatchObject([
      { ok: true, id: children[0], output: '"one"' },
      { ok: false, id: children[1], error: { raw: "boom" } },
    ]);
    const told = platform.ledger.types(parent).filter((type) => type === "child-finished");
    expect(told).toHaveLength(2);
    expect(agent.signals.map((signal) => signal.kind)).toEqual(["resume"]);
  });

  test("waits until the last of many children", async () => {
    const { parent, children, childPool, results } = await family(30);
    await FakeAgent.join(platform, childPool);
    await platform.untilFinished([parent, ...children]);
    expect(results).toHaveLength(30);
    expect(results).not.toContain(null);
  });

  test("that is cancelled takes the children nobody else waits for with it", async () => {
    const { parent, children, childPool } = await family(3);
    const [done, executing, waiting] = children;
    await FakeAgent.join(platform, childPool, {
      capacity: 2,
      work: async (run) => {
        if (run.runId === done) await run.succeed();
        else {
          await run.canceled;
          await run.cancel();
        }
      },
    });
    await until("one is done", () => platform.ledger.types(parent).includes("child-finished"));
    await platform.cancel(parent);
    await platform.untilFinished([parent, ...children]);
    const outcomes = [done, executing, waiting].map((id) => platform.ledger.state(id ?? ""));
    expect(outcomes).toMatchObject([
      { outcome: "completed" },
      { outcome: "canceled" },
      { outcome: "canceled" },
    ]);
  });

  test("is told of a failure when a result is too large for its log, and other runs go on", async () => {
    const { parent, children, childPool, results } = await family(1);
    // As much as a message holds: with what its parent is told beside it, it is too much.
    const output = "x".repeat(8 * 1024 * 1024);
    const succeed = async (run: ClaimedRun, bytes: number): Promise<void> => {
      await run.succeed(output.slice(0, bytes)).catch(() => succeed(run, bytes - 8));
    };
    await FakeAgent.join(platform, childPool, {
      work: (run) =>
        run.runId === children[0] ? succeed(run, output.length - 100) : run.succeed(),
    });
    await platform.untilFinished([parent, ...children, await platform.trigger(childPool)]);
    expect(platform.ledger.state(children[0] ?? "")).toMatchObject({ outcome: "completed" });
    expect(results).toMatchObject([{ ok: false, error: { code: "TASK_OUTPUT_ERROR" } }]);
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
      const { filter_subject } = signalConsumer(first.id);
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
