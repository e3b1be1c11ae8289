import { beforeAll, expect, test } from "vitest";
import { childrenOf, isAlive, type AgentProcess } from "./support/agent-process.ts";
import { eventually } from "./support/coordinator.ts";
import { setUp } from "./support/setup.ts";

const setup = setUp({
  "tasks.ts": `
    import { task, wait } from "@millrace/sdk";
    import { setTimeout as sleep } from "node:timers/promises";
    export const polite = task({
      id: "polite",
      run: async (_: unknown, { signal }) => await sleep(60_000, "slept", { signal }),
    });
    export const stubborn = task({ id: "stubborn", run: async () => await sleep(60_000) });
    export const busy = task({ id: "busy", run: async () => { for (;;); } });
    export const sharedStubborn = task({
      id: "shared-stubborn",
      isolation: "shared",
      run: async (ms: number) => { await sleep(ms); return process.pid; },
    });
    export const sharedBusy = task({
      id: "shared-busy",
      isolation: "shared",
      run: async () => { for (;;); },
    });
    export const waits = task({ id: "waits", run: async () => await wait.for({ hours: 1 }) });
    export const fails = task({
      id: "fails",
      retry: { maxAttempts: 5, minTimeoutInMs: 20_000, randomize: false },
      run: async () => { throw new Error("no"); },
    });
    export const pid = task({ id: "pid", run: async () => process.pid });
  `,
});

let agent: AgentProcess;
beforeAll(async () => {
  agent = await setup().agent({ MILLRACE_CANCEL_GRACE_MS: "300" });
});

async function cancelExecuting(runId: string): Promise<void> {
  const { coordinator } = setup();
  await coordinator.until(runId, "executing");
  // Its code is running, not just claimed.
  await new Promise((resolve) => setTimeout(resolve, 200));
  await coordinator.cancel(runId);
  await coordinator.signal(runId, "cancel", agent.id);
}

test.each(["polite", "stubborn", "busy"])("a cancelled %s run ends", async (taskId) => {
  const { coordinator } = setup();
  const runId = await coordinator.run(taskId);
  await cancelExecuting(runId);
  const run = await coordinator.until(runId, "finished");
  expect(run.outcome).toBe("canceled");
  expect((await coordinator.events(runId)).at(-1)?.type).toBe("attempt-canceled");
  // The room is there again.
  await coordinator.until(await coordinator.run("pid"), "finished");
});

test("a cancelled run does not take others in its process with it", async () => {
  const { coordinator } = setup();
  const shared = { isolation: "shared" } as const;
  // The process is there.
  await coordinator.until(await coordinator.run("shared-stubborn", 1, shared), "finished");
  const other = await coordinator.run("shared-stubborn", 1500, shared);
  const stubborn = await coordinator.run("shared-stubborn", 60_000, shared);
  await cancelExecuting(stubborn);
  expect(await coordinator.until(stubborn, "finished")).toMatchObject({ outcome: "canceled" });
  const next = await coordinator.run("shared-stubborn", 1, shared);
  const [first, second] = await Promise.all([
    coordinator.until(other, "finished"),
    coordinator.until(next, "finished"),
  ]);
  expect([first.outcome, second.outcome]).toEqual(["completed", "completed"]);
  // The stubborn code is still in the old process: new runs are not.
  expect(first.output?.data).not.toBe(second.output?.data);
  await eventually(async () => expect(await isAlive(Number(first.output?.data))).toBe(false));
});

test("a shared process that answers no more is killed", async () => {
  const { coordinator } = setup();
  const shared = { isolation: "shared" } as const;
  await coordinator.until(await coordinator.run("shared-stubborn", 1, shared), "finished");
  const runId = await coordinator.run("shared-busy", null, shared);
  await cancelExecuting(runId);
  expect(await coordinator.until(runId, "finished")).toMatchObject({ outcome: "canceled" });
});

test("a run that takes too long is stopped", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("stubborn", null, { maxDurationSec: 1 });
  const run = await coordinator.until(runId, "finished");
  expect(run).toMatchObject({ outcome: "timed-out", attempt: 1 });
  expect(run.error).toMatchObject({ code: "MAX_DURATION_EXCEEDED" });
});

test("a waiting run that was cancelled loses its process", async () => {
  const { coordinator } = setup();
  const before = await agent.children();
  const runId = await coordinator.run("waits");
  await coordinator.until(runId, "waiting");
  await coordinator.cancel(runId);
  expect(await coordinator.state(runId)).toMatchObject({ stopAgentId: agent.id });
  await coordinator.signal(runId, "stop", agent.id);
  await eventually(async () => {
    const after = await agent.children();
    expect(before.filter((pid) => !after.includes(pid))).toHaveLength(1);
  });
});

test("a run that pauses between attempts and was cancelled is not tried again", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("fails");
  await coordinator.until(runId, "retrying");
  await coordinator.cancel(runId);
  await coordinator.signal(runId, "stop", agent.id);
  expect(await coordinator.state(runId)).toMatchObject({ status: "finished" });
  await coordinator.until(await coordinator.run("pid"), "finished");
});

test("a killed process fails its run", async () => {
  const { coordinator } = setup();
  const idle = await agent.children();
  const runId = await coordinator.run("stubborn");
  await coordinator.until(runId, "executing");
  await new Promise((resolve) => setTimeout(resolve, 300));
  for (const pid of new Set([...idle, ...(await agent.children())])) {
    const isThere = await isAlive(pid);
    if (isThere) process.kill(pid, "SIGKILL");
  }
  const run = await coordinator.until(runId, "finished");
  expect(run).toMatchObject({
    outcome: "crashed",
    error: { code: "TASK_PROCESS_MAYBE_OOM_KILLED" },
  });
});

test("nothing outlives a killed agent, not even a busy loop", async () => {
  const { coordinator } = setup();
  const victim = await setup().agent({ MILLRACE_POOL: "elsewhere" });
  const busy = await coordinator.run("busy", null, { pool: "elsewhere" });
  const waiting = await coordinator.run("waits", null, { pool: "elsewhere" });
  await coordinator.until(busy, "executing");
  await coordinator.until(waiting, "waiting");
  const children = await victim.children();
  expect(children.length).toBeGreaterThanOrEqual(2);
  victim.kill("SIGKILL");
  await victim.exited;
  await eventually(async () => {
    for (const pid of children) expect(await isAlive(pid)).toBe(false);
  });
  expect(await childrenOf(victim.pid)).toEqual([]);
});
