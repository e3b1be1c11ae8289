/** What the coordinator says of a run while the agent does not know yet that the run is its own. */
import type { EventData } from "@millrace/proto";
import { Publisher, RunLogReader } from "@millrace/service-kit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Facts } from "../src/agent/facts.ts";
import { HeldRun, HeldRuns } from "../src/agent/held-run.ts";
import { NextAttempts } from "../src/agent/next-attempts.ts";
import type { Instruction } from "../src/agent/ownership.ts";
import { RunLogs } from "../src/agent/run-logs.ts";
import { Signals } from "../src/agent/signals.ts";
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

function parts(): { facts: Facts; logs: RunLogs; runs: HeldRuns } {
  return {
    facts: new Facts(new Publisher(broker.nc), ENV, silent),
    logs: new RunLogs(new RunLogReader(broker.nc), ENV),
    runs: new HeldRuns(() => undefined),
  };
}

function started(attempt: number, claimId: string): EventData<"attempt-started"> {
  const at = Date.now();
  return { at, attempt, agentId: AGENT, claimId, continues: false, maxAttempts: 3 };
}

test("a cancellation that comes before the answer to the claim is followed when the claim is decided", async () => {
  const { runs, ...rest } = parts();
  const followed: Instruction["kind"][] = [];
  const signals = new Signals({
    ...rest,
    nc: broker.nc,
    env: ENV,
    agentId: AGENT,
    runs,
    log: silent,
    onInstruction: (_, { kind }) => followed.push(kind),
  });
  await signals.start();
  const runId = await coordinator.trigger("any");
  const run = new HeldRun(runId, lane, 1, "");
  runs.add(run);
  await coordinator.fact("agent", runId, "attempt-started", started(1, "1"));
  await coordinator.cancel(runId);
  await coordinator.signal(runId, "cancel", AGENT);
  await eventually(() => expect(run.unheardSeq).toBeGreaterThan(0));
  expect(followed).toEqual([]);

  run.phase = { kind: "starting" };
  signals.claimed(run);
  await eventually(() => expect(followed).toEqual(["cancel"]));
  signals.claimed(run);
  signals.stop();
  expect(run.unheardSeq).toBeUndefined();
});

test("a next attempt whose claim was stored, and never answered, is given back by an agent that holds the run no more", async () => {
  const { facts, logs } = parts();
  const runId = await coordinator.trigger("any");
  await coordinator.fact("agent", runId, "attempt-started", started(1, "1"));
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
  const outcome: string[] = [];
  const unanswered = Object.assign(Object.create(facts) as Facts, {
    append: facts.append.bind(facts),
    appendAfter: async (...fact: Parameters<typeof facts.appendAfter>): Promise<undefined> => {
      await facts.appendAfter(...fact);
      run.phase = { kind: "over" };
    },
  });
  const next = new NextAttempts({
    agentId: AGENT,
    version: undefined,
    facts: unanswered,
    logs,
    onClaimed: () => outcome.push("claimed"),
    onLost: () => outcome.push("lost"),
  });
  const at = Date.now();
  const failed = facts.append(runId, "attempt-failed", {
    at,
    attempt: 1,
    agentId: AGENT,
    durationMs: 1,
    error: { type: "STRING_ERROR", raw: "no" },
    retry: { at, where: "agent" },
  });
  next.after(run, 1, failed);
  await coordinator.until(runId, "queued");
  expect((await coordinator.events(runId)).map(({ type }) => type)).toEqual([
    "run-triggered",
    "attempt-started",
    "attempt-failed",
    "attempt-started",
    "attempt-released",
  ]);
  expect(outcome).toEqual([]);
});
