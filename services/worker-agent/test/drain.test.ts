import { expect, test } from "vitest";
import { agentKey, agentRecordSchema, BUCKETS, type AgentRecord } from "@millrace/proto";
import { Bucket } from "@millrace/nats";
import { isAlive } from "./support/agent-process.ts";
import { eventually } from "./support/coordinator.ts";
import { setUp } from "./support/setup.ts";

const setup = setUp({
  "tasks.ts": `
    import { task, wait } from "@millrace/sdk";
    import { setTimeout as sleep } from "node:timers/promises";
    export const sleeps = task({ id: "sleeps", run: async (ms: number) => { await sleep(ms); return ms; } });
    export const waits = task({ id: "waits", run: async () => await wait.for({ hours: 1 }) });
    export const fails = task({
      id: "fails",
      retry: { maxAttempts: 5, minTimeoutInMs: 20_000, randomize: false },
      run: async () => { throw new Error("no"); },
    });
    export const failsLate = task({
      id: "fails-late",
      retry: { maxAttempts: 5, minTimeoutInMs: 1 },
      run: async () => { await sleep(500); throw new Error("no"); },
    });
  `,
});

async function record(id: string): Promise<AgentRecord | undefined> {
  const agents = await Bucket.open(setup().broker.nc, BUCKETS.agents, agentRecordSchema);
  return (await agents.get(agentKey("dev", id)))?.value;
}

test("a draining agent finishes what it can and gives the rest back", async () => {
  const { coordinator } = setup();
  const agent = await setup().agent({ MILLRACE_DRAIN_MS: "1500" });
  expect(await record(agent.id)).toMatchObject({
    id: agent.id,
    presets: ["small-1x", "small-2x"],
    capacity: { "small-1x": 4, "small-1x-shared": 100, "small-2x": 2, "small-2x-shared": 100 },
    draining: false,
  });
  const waiting = await coordinator.run("waits");
  const retrying = await coordinator.run("fails");
  await coordinator.until(waiting, "waiting");
  await coordinator.until(retrying, "retrying");
  const short = await coordinator.run("sleeps", 700);
  const long = await coordinator.run("sleeps", 60_000);
  const failing = await coordinator.run("fails-late");
  for (const runId of [short, long, failing]) await coordinator.until(runId, "executing");
  const processes = await agent.children();

  const exited = agent.stop();
  await eventually(async () => expect(await record(agent.id)).toMatchObject({ draining: true }));
  // At once: these need no code to end.
  expect(await coordinator.until(waiting, "waiting", (run) => run.agentId === null)).toBeTruthy();
  expect(await coordinator.until(retrying, "queued")).toMatchObject({ attempt: 1 });
  const late = await coordinator.run("sleeps", 1);
  expect(await exited).toBe(0);

  expect(await coordinator.state(short)).toMatchObject({
    status: "finished",
    outcome: "completed",
  });
  // Its attempt does not count.
  expect(await coordinator.state(long)).toMatchObject({ status: "queued", attempt: 0 });
  expect(await coordinator.state(failing)).toMatchObject({ status: "backoff", attempt: 1 });
  expect(await coordinator.state(late)).toMatchObject({ status: "queued", attempt: 0 });
  expect(await record(agent.id)).toBeUndefined();
  for (const pid of processes) expect(await isAlive(pid)).toBe(false);

  const next = await setup().agent();
  expect(await coordinator.until(late, "finished")).toMatchObject({ outcome: "completed" });
  expect(await next.stop()).toBe(0);
});
