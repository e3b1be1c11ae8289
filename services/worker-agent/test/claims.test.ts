import { expect, test } from "vitest";
import { setUp } from "./support/setup.ts";

const setup = setUp({
  "tasks.ts": `
    import { task } from "@millrace/sdk";
    import { setTimeout as sleep } from "node:timers/promises";
    export const sleeps = task({ id: "sleeps", run: async (ms: number) => { await sleep(ms); } });
    export const noop = task({ id: "noop", isolation: "shared", run: async () => null });
    export const big = task({ id: "big", machine: "small-2x", run: async () => null });
  `,
});

test("of two agents one wins each run", async () => {
  const { coordinator } = setup();
  const agents = await Promise.all([setup().agent(), setup().agent()]);
  const runIds = await Promise.all(
    Array.from({ length: 200 }, () => coordinator.run("noop", null, { isolation: "shared" })),
  );
  const winners = new Set<string>();
  for (const runId of runIds) {
    const run = await coordinator.until(runId, "finished");
    expect(run).toMatchObject({ outcome: "completed", attempt: 1 });
    winners.add(run.lastAgentId ?? "nobody");
    const started = (await coordinator.events(runId)).filter(
      ({ type }) => type === "attempt-started",
    );
    expect(started).toHaveLength(1);
  }
  expect([...winners].toSorted()).toEqual(agents.map(({ id }) => id).toSorted());
  await Promise.all(agents.map((agent) => agent.stop()));
});

test("a dispatch of a run that somebody else has started is dropped", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("noop", null, { isolation: "shared" });
  const started = { at: Date.now(), attempt: 1, agentId: "other", claimId: "1", continues: false };
  await coordinator.fact("agent", runId, "attempt-started", { ...started, maxAttempts: null });
  const agent = await setup().agent();
  const next = await coordinator.run("noop", null, { isolation: "shared" });
  await coordinator.until(next, "finished");
  const run = await coordinator.state(runId);
  expect(run).toMatchObject({ status: "executing", agentId: "other" });
  expect(await coordinator.dispatchAgain(run)).toBe(true);
  await agent.stop();
});

test("what does not fit is left to others, and a big run is not starved by small ones", async () => {
  const { coordinator } = setup();
  const agent = await setup().agent();
  // Two CPUs: four small runs fill them.
  const small = await Promise.all(
    Array.from({ length: 40 }, () => coordinator.run("sleeps", 1000)),
  );
  await coordinator.until(small[0] ?? "", "executing");
  const big = await coordinator.run("big", null, { machine: "small-2x" });
  const { startedAt } = await coordinator.until(big, "finished");
  const states = await Promise.all(small.map((runId) => coordinator.state(runId)));
  expect(states.filter(({ status }) => status === "queued").length).toBeGreaterThan(0);
  expect(startedAt).not.toBeNull();
  const other = await setup().agent({ MILLRACE_CPUS: "8" });
  for (const runId of small) await coordinator.until(runId, "finished");
  await Promise.all([agent.stop(), other.stop()]);
});
