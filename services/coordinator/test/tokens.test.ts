/** Runs that wait for tokens. */
import { TIMERS, timerSubject } from "@millrace/proto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sleep, until } from "@millrace/harness";
import { FakeAgent } from "./fake-agent.ts";
import { Platform, type Coordinator } from "./platform.ts";

let platform: Platform;
let coordinator: Coordinator;
let pools = 0;
let tokens = 0;

beforeAll(async () => {
  platform = await Platform.start();
  coordinator = await platform.coordinator();
});
afterAll(async () => {
  await coordinator.stop();
  await platform.stop();
});

const complete = (output: string): { completedAt: number; output: string; outputType: string } => ({
  completedAt: Date.now(),
  output,
  outputType: "application/json",
});

type Setting = {
  readonly token: string;
  readonly pool: string;
  readonly results: unknown[];
  readonly agent: FakeAgent;
};

/** A pool whose runs wait for the token and keep what they get. */
async function waiters(on: Platform, timeoutAt?: number): Promise<Setting> {
  const pool = `tokens${pools++}`;
  const token = `waitpoint_${tokens++}`;
  const results: unknown[] = [];
  await on.queue(pool, null);
  const agent = await FakeAgent.join(on, pool, {
    work: async (run) => {
      results.push(await run.waitForToken(token, timeoutAt));
      await run.succeed();
    },
  });
  return { token, pool, results, agent };
}

describe("a run that waits for a token goes on", () => {
  test("when the token is completed", async () => {
    const { token, pool, results } = await waiters(platform);
    await platform.token(token);
    const runIds = await platform.triggerMany(pool, 3);
    for (const runId of runIds) await platform.untilStatus(runId, "waiting");
    await platform.token(token, { tags: ["changed"] });
    await sleep(100);
    expect(results).toEqual([]);
    await platform.token(token, complete('{"approved":true}'));
    await platform.untilFinished(runIds);
    const result = { ok: true, output: '{"approved":true}', outputType: "application/json" };
    expect(results).toEqual([result, result, result]);
    for (const runId of runIds)
      expect(platform.ledger.types(runId)).toEqual([
        "run-triggered",
        "attempt-started",
        "wait-started",
        "token-completed",
        "attempt-resumed",
        "attempt-succeeded",
      ]);
  });

  test("at once when it was completed before", async () => {
    const { token, pool, results } = await waiters(platform);
    await platform.token(token, { completedAt: Date.now() });
    await platform.untilFinished([await platform.trigger(pool)]);
    expect(results).toEqual([{ ok: true, outputType: "application/json" }]);
  });

  test("when it is made and completed after the run began to wait", async () => {
    const { token, pool, results } = await waiters(platform);
    const runId = await platform.trigger(pool);
    await platform.untilStatus(runId, "waiting");
    const said = (): number =>
      coordinator.log.filter(({ fields }) => JSON.stringify(fields).includes(token)).length;
    await until("the missing token is noticed", () => said() === 1);
    await platform.token(token);
    await platform.token(token, complete("1"));
    await platform.untilFinished([runId]);
    expect(results).toMatchObject([{ ok: true, output: "1" }]);
    expect(said()).toBe(1);
  });

  test("with an error when its time is over, and a later completion changes nothing", async () => {
    const timeoutAt = Date.now() + 60_000;
    const { token, pool, results } = await waiters(platform, timeoutAt);
    await platform.token(token, { timeoutAt });
    const runId = await platform.trigger(pool);
    await platform.untilStatus(runId, "waiting");
    await until("the timer is armed", async () => {
      const armed = await platform.subjects(TIMERS.name, timerSubject("dev", runId, "wait-0"));
      return armed.length === 1;
    });
    await platform.tell(runId, "scheduler", "timer-fired", {
      at: Date.now(),
      name: "wait-0",
      dueAt: timeoutAt,
    });
    await platform.untilFinished([runId]);
    await platform.token(token, complete("1"));
    await sleep(100);
    expect(results).toMatchObject([{ ok: false, code: "TRIGGER_WAITPOINT_TIMEOUT" }]);
    expect(platform.ledger.types(runId)).not.toContain("token-completed");
  });

  test("and its timer is disarmed when the token came in time", async () => {
    const timeoutAt = Date.now() + 60_000;
    const { token, pool } = await waiters(platform, timeoutAt);
    const runId = await platform.trigger(pool);
    const armed = async (): Promise<number> =>
      (await platform.subjects(TIMERS.name, timerSubject("dev", runId, "*"))).length;
    await until("the timer is armed", async () => (await armed()) === 1);
    await platform.token(token, complete("1"));
    await platform.untilFinished([runId]);
    await until("the timer is disarmed", async () => (await armed()) === 0);
  });

  test("no more when it was cancelled", async () => {
    const { token, pool } = await waiters(platform);
    const runId = await platform.trigger(pool);
    await platform.untilStatus(runId, "waiting");
    await platform.cancel(runId);
    await platform.untilFinished([runId]);
    await sleep(50);
    await platform.token(token, complete("1"));
    await sleep(100);
    expect(platform.ledger.types(runId)).not.toContain("token-completed");
  });

  test("on another agent when its process is gone", async () => {
    const { token, pool, agent } = await waiters(platform);
    const runId = await platform.trigger(pool);
    await platform.untilStatus(runId, "waiting");
    await agent.vanish();
    await FakeAgent.join(platform, pool);
    await platform.tell(runId, "coordinator", "attempt-lost", {
      at: Date.now(),
      agentId: agent.id,
      attempt: 1,
    });
    await platform.token(token, complete("1"));
    await platform.untilFinished([runId]);
    expect(platform.ledger.state(runId)).toMatchObject({ outcome: "completed", attempt: 1 });
  });
});

test("a token that was completed while nobody led is found by the next leader", async () => {
  const own = await Platform.start();
  const first = await own.coordinator();
  const { token, pool, results } = await waiters(own);
  await own.token(token);
  const runId = await own.trigger(pool);
  await own.untilStatus(runId, "waiting");
  await first.stop();
  await own.token(token, complete("2"));
  const second = await own.coordinator();
  await own.untilFinished([runId]);
  expect(results).toMatchObject([{ ok: true, output: "2" }]);
  await second.stop();
  await own.stop();
});
