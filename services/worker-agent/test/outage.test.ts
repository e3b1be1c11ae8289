import { beforeAll, expect, test } from "vitest";
import { isAlive, type AgentProcess } from "./support/agent-process.ts";
import { setUp } from "./support/setup.ts";

const setup = setUp({
  "tasks.ts": `
    import { task, wait } from "@millrace/sdk";
    import { setTimeout as sleep } from "node:timers/promises";
    export const naps = task({
      id: "naps",
      isolation: "shared",
      retry: { maxAttempts: 3, minTimeoutInMs: 100 },
      run: async (ms: number, { ctx }) => {
        await sleep(ms);
        if (ms % 5 === 0 && ctx.attempt.number === 1) throw new Error("once");
        return ms;
      },
    });
    export const waits = task({ id: "waits", run: async () => { await wait.for({ hours: 1 }); return 1; } });
  `,
});

let agent: AgentProcess;
beforeAll(async () => {
  agent = await setup().agent();
});

test("a broker that is killed and comes back loses nothing this agent has to say", async () => {
  const { broker, coordinator } = setup();
  const isolation = "shared";
  const waiting = await coordinator.run("waits");
  await coordinator.until(waiting, "waiting");
  const runIds: string[] = [];
  for (let ms = 0; ms < 300; ms++) runIds.push(await coordinator.run("naps", ms, { isolation }));
  await broker.crash(2000);
  await coordinator.fireWait(waiting);
  await coordinator.signal(waiting, "resume", agent.id);
  for (const runId of [...runIds, waiting]) {
    const run = await coordinator.until(runId, "finished");
    expect(run.outcome).toBe("completed");
    expect(run.losses).toBe(0);
  }
}, 60_000);

test("an agent that was taken for dead lets go of what is no longer its own", async () => {
  const { broker, coordinator } = setup();
  const waiting = await coordinator.run("waits");
  await coordinator.until(waiting, "waiting");
  const processes = await agent.children();
  await coordinator.lose(waiting, agent.id);
  // Longer than presence lives.
  await broker.crash(16_000);
  await agent.line("presence had lapsed");
  await expect
    .poll(() => Promise.all(processes.map(isAlive)), { timeout: 20_000 })
    .toContain(false);
  await coordinator.fireWait(waiting);
  await coordinator.dispatch(waiting);
  const run = await coordinator.until(waiting, "finished");
  expect(run).toMatchObject({ outcome: "completed", lastAgentId: agent.id });
}, 90_000);
