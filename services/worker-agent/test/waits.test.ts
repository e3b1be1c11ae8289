import { beforeAll, expect, test } from "vitest";
import type { ChildResult, RunEvent } from "@millrace/proto";
import type { AgentProcess } from "./support/agent-process.ts";
import { eventually } from "./support/coordinator.ts";
import { setUp } from "./support/setup.ts";

const setup = setUp({
  "tasks.ts": `
    import { task, tasks, wait, runs } from "@millrace/sdk";
    let executions = 0;
    export const child = task({ id: "child", run: async (n: number) => n * 2 });
    export const sleeps = task({
      id: "sleeps",
      run: async () => {
        const before = { pid: process.pid, execution: ++executions };
        await wait.for({ hours: 1 });
        return { before, pid: process.pid, execution: executions };
      },
    });
    export const sharedSleeps = task({ id: "shared-sleeps", isolation: "shared", run: sleeping });
    async function sleeping() {
      await wait.for({ hours: 1 });
      return process.pid;
    }
    export const parent = task({
      id: "parent",
      run: async () => {
        await child.trigger(100);
        const one = await child.triggerAndWait(1).unwrap();
        const { runs: several } = await child.batchTriggerAndWait([{ payload: 2 }, { payload: 3 }]);
        return { one, several: several.map((run) => (run.ok ? run.output : run.error)) };
      },
    });
    export const asksForNobody = task({
      id: "asks-for-nobody",
      run: async () => {
        try {
          await tasks.triggerAndWait("nobody", 1);
        } catch (error) {
          const { name, status, code, message } = error as Error & { status: number; code: string };
          return { name, status, code, message };
        }
        return "no error";
      },
    });
    export const waitsTwice = task({
      id: "waits-twice",
      retry: { maxAttempts: 3 },
      run: async () => {
        await Promise.allSettled([wait.for({ hours: 1 }), child.triggerAndWait(1)]);
      },
    });
    export const races = task({
      id: "races",
      run: async () => await Promise.race([
        wait.for({ hours: 1 }),
        new Promise((resolve) => setTimeout(resolve, 50, "fast")),
      ]),
    });
    export const wavers = task({
      id: "wavers",
      retry: { maxAttempts: 2, minTimeoutInMs: 1 },
      run: async (flag: string, { ctx }) => {
        if (process.env.MILLRACE_TEST_PATH === "other" && ctx.attempt.number === 1)
          await child.triggerAndWait(5);
        else await wait.for({ hours: 1 });
        return "done";
      },
    });
    export const follows = task({
      id: "follows",
      run: async (runId: string) => {
        const statuses: string[] = [];
        for await (const run of runs.subscribeToRun(runId)) statuses.push(run.status);
        return { statuses, last: (await runs.retrieve(runId)).output };
      },
    });
    export const careless = task({
      id: "careless",
      isolation: "shared",
      run: async (n: number) => {
        void child.trigger(n);
        void runs.retrieve("run_nobody");
        return process.pid;
      },
    });
    export const dies = task({
      id: "dies",
      run: async () => {
        setTimeout(() => process.exit(3), 100);
        await wait.for({ hours: 1 });
        return "went on";
      },
    });
  `,
});

let agent: AgentProcess;
beforeAll(async () => {
  agent = await setup().agent();
});

const types = (events: readonly RunEvent[]): string[] => events.map(({ type }) => type);

function result(id: string, output: number): ChildResult {
  return {
    ok: true,
    id,
    taskIdentifier: "child",
    output: String(output),
    outputType: "application/json",
  };
}

async function openChildren(runId: string): Promise<string[]> {
  const { waits } = await setup().coordinator.state(runId);
  const wait = waits.at(-1);
  return wait?.kind === "children" ? wait.children.map((child) => child.runId) : [];
}

/** Answers the open wait of a run and lets it go on where it is. */
async function answerChildren(runId: string, outputs: readonly number[]): Promise<void> {
  const { coordinator } = setup();
  const children = await openChildren(runId);
  expect(children).toHaveLength(outputs.length);
  for (const [i, output] of outputs.entries())
    await coordinator.answerChild(runId, i, result(children[i] ?? "", output));
}

test("a wait gives the room back and goes on in the same process", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("sleeps");
  const waiting = await coordinator.until(runId, "waiting");
  expect(waiting.waits).toMatchObject([{ kind: "duration", key: "duration:0", done: false }]);
  await coordinator.fireWait(runId);
  await coordinator.signal(runId, "resume", agent.id);
  const { output } = await coordinator.until(runId, "finished");
  const { before, pid, execution } = JSON.parse(output?.data ?? "") as {
    before: { pid: number; execution: number };
    pid: number;
    execution: number;
  };
  expect({ pid, execution }).toEqual(before);
  expect(types(await coordinator.events(runId))).toEqual([
    "run-triggered",
    "attempt-started",
    "wait-started",
    "timer-fired",
    "attempt-resumed",
    "attempt-succeeded",
  ]);
});

test("a repeated, a premature and an old resume signal change nothing", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("shared-sleeps", null, { isolation: "shared" });
  await coordinator.until(runId, "waiting");
  await coordinator.signal(runId, "resume", agent.id);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect((await coordinator.state(runId)).status).toBe("waiting");
  await coordinator.fireWait(runId);
  await coordinator.signal(runId, "resume", agent.id);
  await coordinator.until(runId, "finished");
  await coordinator.signal(runId, "resume", agent.id);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(
    types(await coordinator.events(runId)).filter((type) => type === "attempt-resumed"),
  ).toEqual(["attempt-resumed"]);
});

test("children are triggered with their place in the family, and their results come back", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("parent", null, { priorityMs: 5 });
  const { trigger } = await coordinator.until(runId, "waiting");
  const [first = ""] = await openChildren(runId);
  const child = await eventually(() => coordinator.state(first));
  expect(child.trigger).toMatchObject({
    taskId: "child",
    payload: { data: "1" },
    parent: { runId, waitIndex: 0, childIndex: 0 },
    rootRunId: runId,
    depth: 1,
    orderAt: trigger.at,
  });
  await answerChildren(runId, [2]);
  await coordinator.signal(runId, "resume", agent.id);
  const again = await coordinator.until(runId, "waiting", ({ waits }) => waits.length === 2);
  const batch = await eventually(async () => {
    const states = await Promise.all(
      (await openChildren(runId)).map((id) => coordinator.state(id)),
    );
    expect(states).toHaveLength(2);
    return states;
  });
  const wait = again.waits[1];
  expect(batch.map((each) => each.trigger.batchId)).toEqual([
    wait?.kind === "children" ? wait.batchId : undefined,
    wait?.kind === "children" ? wait.batchId : undefined,
  ]);
  await answerChildren(runId, [4, 6]);
  await coordinator.signal(runId, "resume", agent.id);
  const { output } = await coordinator.until(runId, "finished");
  expect(JSON.parse(output?.data ?? "")).toEqual({ one: 2, several: [4, 6] });
});

test("a run whose agent is gone goes on elsewhere, answered from its log", async () => {
  const { broker, coordinator } = setup();
  const triggered: string[] = [];
  const subscription = broker.nc.subscribe("run.>", {
    callback: (_, message) => void triggered.push(message.subject.split(".")[3] ?? ""),
  });
  const runId = await coordinator.run("parent");
  await coordinator.until(runId, "waiting");
  await answerChildren(runId, [2]);
  // The agent is taken for dead: it is told nothing, and any agent may go on.
  await coordinator.lose(runId, agent.id);
  await coordinator.dispatch(runId);
  const second = await coordinator.until(runId, "waiting", ({ waits }) => waits.length === 2);
  expect(second).toMatchObject({ attempt: 1, agentId: agent.id });
  // The child nobody waited for was asked for twice, with one id.
  const plain = new Set(triggered.filter((id) => id !== runId));
  expect(plain.size).toBe(1 + 1 + 2);
  await answerChildren(runId, [4, 6]);
  await coordinator.signal(runId, "resume", agent.id);
  const { output } = await coordinator.until(runId, "finished");
  expect(JSON.parse(output?.data ?? "")).toEqual({ one: 2, several: [4, 6] });
  subscription.unsubscribe();
});

test("what cannot be triggered is refused, and nothing is written", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("asks-for-nobody");
  const { output } = await coordinator.until(runId, "finished");
  expect(JSON.parse(output?.data ?? "")).toEqual({
    name: "NotFoundError",
    status: 404,
    code: "TASK_NOT_FOUND",
    message: expect.stringContaining('"nobody"'),
  });
  expect(types(await coordinator.events(runId))).not.toContain("wait-started");
});

test("two waits at once fail the attempt for good, and leave nothing behind", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("waits-twice");
  const run = await coordinator.until(runId, "finished");
  expect(run.attempt).toBe(1);
  expect(run.error).toMatchObject({ code: "TASK_DID_CONCURRENT_WAIT" });
  expect(types(await coordinator.events(runId))).not.toContain("wait-started");
});

test("code that does not wait for its wait ends when the wait is over", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("races");
  await coordinator.until(runId, "waiting");
  await new Promise((resolve) => setTimeout(resolve, 200));
  await coordinator.fireWait(runId);
  await coordinator.signal(runId, "resume", agent.id);
  const run = await coordinator.until(runId, "finished");
  expect(run).toMatchObject({ outcome: "completed", output: { data: "fast" } });
});

test("code that takes another path than before is started anew", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("wavers", "x");
  await coordinator.until(runId, "waiting");
  await coordinator.fireWait(runId);
  expect(await agent.stop()).toBe(0);
  agent = await setup().agent({ MILLRACE_TEST_PATH: "other" });
  await coordinator.until(runId, "queued");
  await coordinator.dispatch(runId);
  const again = await coordinator.until(runId, "waiting", ({ attempt }) => attempt === 2);
  expect(again.waits).toHaveLength(1);
  const failed = (await coordinator.events(runId)).find(({ type }) => type === "attempt-failed");
  expect(failed?.data).toMatchObject({
    error: {
      code: "TASK_EXECUTION_FAILED",
      message: expect.stringMatching(/expected duration:0, got children:child/),
    },
  });
  await coordinator.fireWait(runId);
  await coordinator.signal(runId, "resume", agent.id);
  await coordinator.until(runId, "finished");
});

test("a run follows another one", async () => {
  const { coordinator } = setup();
  const other = await coordinator.trigger("child", 21);
  const runId = await coordinator.run("follows", other, { isolation: "process" });
  await coordinator.until(runId, "executing");
  await coordinator.dispatch(other);
  const { output, error } = await coordinator.until(runId, "finished");
  expect(error).toBeNull();
  const { statuses, last } = JSON.parse(output?.data ?? "{}") as {
    statuses: string[];
    last: number;
  };
  expect(statuses.at(-1)).toBe("COMPLETED");
  expect(last).toBe(42);
});

test("a waiting process that dies gives its run back", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("dies");
  await coordinator.until(runId, "waiting", ({ agentId }) => agentId === null);
  await coordinator.fireWait(runId);
  await coordinator.dispatch(runId);
  const run = await coordinator.until(runId, "finished");
  expect(run).toMatchObject({ outcome: "completed", output: { data: "went on" } });
});

test("what is asked without waiting for the answer is done, and its failure harms nobody", async () => {
  const { broker, coordinator } = setup();
  const triggered: string[] = [];
  const subscription = broker.nc.subscribe("run.*.*.*.client", {
    callback: (_, message) => void triggered.push(message.subject.split(".")[3] ?? ""),
  });
  const shared = { isolation: "shared" } as const;
  const first = await coordinator.run("careless", 1, shared);
  const { output } = await coordinator.until(first, "finished");
  const child = await eventually(() => {
    const id = triggered.find((each) => each !== first);
    if (id === undefined) throw new Error("no child yet");
    return id;
  });
  expect((await coordinator.state(child)).trigger).toMatchObject({ parent: { runId: first } });
  const second = await coordinator.until(await coordinator.run("careless", 2, shared), "finished");
  expect(second.output).toEqual(output);
  subscription.unsubscribe();
});
