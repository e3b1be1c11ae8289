/** The claim of the next attempt, and what is said of the run while it is on its way. */
import { Publisher, RunLogReader } from "@millrace/service-kit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Facts } from "../src/agent/facts.ts";
import { HeldRun } from "../src/agent/held-run.ts";
import { NextAttempts } from "../src/agent/next-attempts.ts";
import { RunLogs } from "../src/agent/run-logs.ts";
import { testBroker, type TestBroker } from "./support/broker.ts";
import { ENV, eventually, TestCoordinator } from "./support/coordinator.ts";
import { lane, silent } from "./support/parts.ts";

const AGENT = "agent1";

let broker: TestBroker;
let coordinator: TestCoordinator;
beforeAll(async () => {
  broker = await testBroker();
  coordinator = new TestCoordinator(broker.nc);
}, 300_000);
afterAll(() => broker.stop());

/**
 * A run whose first attempt has failed and whose agent claims the second.
 * @param meanwhile happens between the decision to claim and the arrival of the first claim
 */
async function claimAgain(
  meanwhile: (runId: string) => Promise<void>,
): Promise<{ run: HeldRun; outcome: string[] }> {
  const facts = new Facts(new Publisher(broker.nc), ENV, silent);
  const runId = await coordinator.trigger("any");
  const at = Date.now();
  await coordinator.fact("agent", runId, "attempt-started", {
    at,
    attempt: 1,
    agentId: AGENT,
    claimId: "1",
    continues: false,
    maxAttempts: 3,
  });
  const { trigger } = await coordinator.state(runId);
  const run = new HeldRun(runId, lane, 1, "");
  run.claimed = {
    trigger,
    task: { retry: undefined } as never,
    attempt: 1,
    attemptStartedAt: 0,
    startedAt: 0,
    maxAttempts: 3,
    waits: [],
    losses: 0,
    tags: [],
    metadata: null,
    totalMs: 0,
  };
  let claims = 0;
  const late = Object.assign(Object.create(facts) as Facts, {
    appendAfter: async (
      ...fact: Parameters<typeof facts.appendAfter>
    ): Promise<number | undefined> => {
      if (claims++ === 0) await meanwhile(runId);
      return await facts.appendAfter(...fact);
    },
  });
  const outcome: string[] = [];
  const next = new NextAttempts({
    agentId: AGENT,
    version: undefined,
    facts: late,
    logs: new RunLogs(new RunLogReader(broker.nc), ENV),
    onClaimed: () => outcome.push("claimed"),
    onLost: () => outcome.push("lost"),
  });
  const failed = facts.append(runId, "attempt-failed", {
    at,
    attempt: 1,
    agentId: AGENT,
    durationMs: 1,
    error: { type: "STRING_ERROR", raw: "no" },
    retry: { at, where: "agent" },
  });
  next.after(run, 1, failed);
  await eventually(() => expect(outcome).toHaveLength(1));
  return { run, outcome };
}

test("a claim that arrives when the run has been taken from the agent starts nothing: the run waits for a slot", async () => {
  const { run, outcome } = await claimAgain((runId) => coordinator.lose(runId, AGENT));
  expect(outcome).toEqual(["lost"]);
  expect((await coordinator.events(run.runId)).map(({ type }) => type)).toEqual([
    "run-triggered",
    "attempt-started",
    "attempt-failed",
    "attempt-lost",
    "attempt-started",
  ]);
  expect(await coordinator.state(run.runId)).toMatchObject({
    status: "queued",
    attempt: 1,
    admission: 2,
    slot: null,
  });
});

test("what is said of a run while the next attempt is claimed, that attempt knows", async () => {
  const { run, outcome } = await claimAgain((runId) =>
    coordinator.fact("client", runId, "tags-added", { at: Date.now(), tags: ["late"] }),
  );
  expect(outcome).toEqual(["claimed"]);
  expect(run.attempt).toMatchObject({ attempt: 2, tags: ["late"] });
  expect(await coordinator.state(run.runId)).toMatchObject({ status: "executing", attempt: 2 });
});

test("a fact that changes nothing is in the log all the same: the next attempt begins behind it", async () => {
  const { run, outcome } = await claimAgain((runId) => coordinator.lose(runId, "another"));
  expect(outcome).toEqual(["claimed"]);
  expect(await coordinator.state(run.runId)).toMatchObject({ status: "executing", attempt: 2 });
});
