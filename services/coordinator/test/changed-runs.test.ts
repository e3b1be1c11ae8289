/** Runs that change before they start, or start again: their time, their machine, the version they are locked to. */
import {
  decodeBody,
  DISPATCH,
  dispatchFilter,
  poolOf,
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

const LONG_MS = 60_000;
const forever = new Promise<void>(() => undefined);

/** A queue without a limit, and the pool of its agents, of its own for each test. */
async function queue(): Promise<string> {
  const name = `q${pools++}`;
  await platform.queue(name, null);
  return name;
}

/** How many runs are dispatched to a lane. */
async function dispatched(pool: string, lane = "small-1x"): Promise<number> {
  return (await platform.subjects(DISPATCH.name, dispatchFilter("dev", pool, lane))).length;
}

/** Timers of the run that are armed in the broker. */
async function armed(runId: string): Promise<string[]> {
  return await platform.subjects(TIMERS.name, timerSubject("dev", runId, "*"));
}

/** States that the timer the run waits for has fired. */
async function due(runId: string, name: string): Promise<void> {
  const run = platform.ledger.state(runId);
  const dueAt = "until" in run ? run.until : 0;
  await platform.tell(runId, "scheduler", "timer-fired", { at: Date.now(), name, dueAt });
}

describe("a delayed run", () => {
  test("that is rescheduled has one timer, at its new time", async () => {
    const pool = await queue();
    await FakeAgent.join(platform, pool);
    const runId = await platform.trigger(pool, { delayUntil: Date.now() + LONG_MS });
    await until("the timer is armed", async () => (await armed(runId)).length === 1);
    const reschedule = async (until: number): Promise<void> => {
      await platform.tell(runId, "client", "rescheduled", { at: Date.now(), until });
    };
    for (let i = 1; i <= 20; i++) await reschedule(Date.now() + LONG_MS + 1000 * i);
    await until("all are known", () => platform.ledger.types(runId).length === 21);
    await sleep(150);
    expect(await armed(runId)).toHaveLength(1);
    await platform.tell(runId, "scheduler", "timer-fired", { at: 1, name: "delay", dueAt: 1 });
    await reschedule(Date.now() + 300);
    const at = timerSubject("dev", runId, "delay").replace("timer.", "due.");
    await until("it is due", async () => (await platform.subjects(TIMERS.name, at)).length === 1);
    expect(platform.ledger.state(runId).status).toBe("delayed");
    await due(runId, "delay");
    await platform.untilFinished([runId]);
  });

  test("is dispatched with what replaced its trigger", async () => {
    const pool = await queue();
    const runId = await platform.trigger(pool, { delayUntil: Date.now() + LONG_MS });
    await FakeAgent.join(platform, pool, { machine: "large-1x" });
    const payload = { data: '"new"', type: "application/json" };
    await platform.tell(runId, "client", "rescheduled", {
      at: Date.now(),
      until: Date.now() + LONG_MS,
      replace: { payload, tags: [], machine: "large-1x" },
    });
    await until("it is known", () => platform.ledger.types(runId).length === 2);
    await due(runId, "delay");
    await platform.untilFinished([runId]);
  });
});

describe("a run's lane", () => {
  test("is another one when it is tried again on another machine", async () => {
    const pool = await queue();
    await FakeAgent.join(platform, pool, {
      work: (run) => run.fail({ at: Date.now() + LONG_MS, where: "queue", machine: "medium-1x" }),
    });
    const runId = await platform.trigger(pool);
    await platform.untilStatus(runId, "backoff");
    await due(runId, "retry");
    const inLane = async (): Promise<number> => await dispatched(pool, "medium-1x");
    await until("it is dispatched there", async () => (await inLane()) === 1);
    expect(await dispatched(pool)).toBe(0);
    await platform.cancel(runId);
    await until("it is withdrawn there", async () => (await inLane()) === 0);
  });

  test("is that of the version it is locked to", async () => {
    const pool = await queue();
    await FakeAgent.join(platform, pool);
    const locked = await platform.trigger(pool, { version: "20261122.1" });
    const free = await platform.trigger(pool);
    await platform.untilFinished([free]);
    await sleep(100);
    expect(platform.ledger.types(locked)).toEqual(["run-triggered"]);
    const agent = await FakeAgent.join(platform, pool, { version: "20261122.1" });
    await platform.untilFinished([locked]);
    expect(platform.ledger.state(locked)).toMatchObject({ lastAgentId: agent.id });
  });

  test("of a version is as wide as that version's agents can take", async () => {
    const pool = await queue();
    await FakeAgent.join(platform, pool, { version: "v2", capacity: 20, work: () => forever });
    const runIds = await Promise.all(
      Array.from({ length: 120 }, () => platform.trigger(pool, { version: "v2" })),
    );
    await until("as many execute as can", () => platform.ledger.started(runIds).length >= 20);
    await until(
      "four times as many are dispatched",
      async () => (await dispatched(poolOf(pool, "v2"))) === 80,
    );
  });
});

test("a large payload is not kept by the leader, and its run is read from the log by its agent", async () => {
  const pool = await queue();
  const payload = { data: JSON.stringify("x".repeat(20_000)), type: "application/json" };
  const runId = await platform.trigger(pool, { payload });
  await until("it is dispatched", async () => (await dispatched(pool)) === 1);
  const subject = dispatchFilter("dev", pool, "small-1x").replace("*", runId);
  const message = await platform.jsm.streams.getMessage(DISPATCH.name, { last_by_subj: subject });
  expect(message && decodeBody(message.data)).not.toHaveProperty("trigger");
  await FakeAgent.join(platform, pool);
  await platform.untilFinished([runId]);
  expect(platform.ledger.state(runId)).toMatchObject({ trigger: { payload } });
});
