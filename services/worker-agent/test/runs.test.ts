import { expect, test, beforeAll } from "vitest";
import { decodeBody, logRecordSchema, TELEMETRY, telemetrySubject } from "@millrace/proto";
import { Feed } from "@millrace/nats";
import type { AgentProcess } from "./support/agent-process.ts";
import { ENV, eventually } from "./support/coordinator.ts";
import { setUp } from "./support/setup.ts";

const setup = setUp({
  "tasks.ts": `
    import { task, logger, AbortTaskRunError } from "@millrace/sdk";
    import { setTimeout as sleep } from "node:timers/promises";
    let calls = 0;
    export const add = task({ id: "add", run: async ({ a, b }: { a: number; b: number }) => a + b });
    export const shared = task({
      id: "shared",
      isolation: "shared",
      run: (n: number) => ({ n, pid: process.pid }),
    });
    export const context = task({ id: "context", run: (_: unknown, { ctx }) => ctx });
    export const broken = task({
      id: "broken",
      retry: { maxAttempts: 2, minTimeoutInMs: 50, randomize: false },
      run: async () => { throw new TypeError("no " + process.pid); },
    });
    export const second = task({
      id: "second",
      retry: { maxAttempts: 3, minTimeoutInMs: 20 },
      run: async (_: unknown, { ctx }) => {
        if (ctx.attempt.number < 2) throw new Error("first");
        return ctx.attempt.number;
      },
    });
    export const once = task({ id: "once", run: async () => { throw "just text"; } });
    export const abort = task({
      id: "abort",
      retry: { maxAttempts: 5, minTimeoutInMs: 1 },
      run: async () => { throw new AbortTaskRunError("never again"); },
    });
    export const unwritable = task({
      id: "unwritable",
      run: async () => ({ get value() { throw new Error("not to be read"); } }),
    });
    export const large = task({ id: "large", run: async () => "x".repeat(11_000_000) });
    export const exits = task({ id: "exits", run: async () => process.exit(7) });
    export const leaks = task({
      id: "leaks",
      run: async () => {
        setTimeout(() => { throw new RangeError("behind its back"); }, 10);
        await sleep(60_000);
      },
    });
    export const hungry = task({
      id: "hungry",
      run: async () => { const all: unknown[] = []; for (;;) all.push(new Array(10_000).fill({})); },
    });
    export const talks = task({
      id: "talks",
      isolation: "shared",
      run: async () => {
        console.log("one", { two: 2 });
        console.error("three");
        process.stdout.write("four\\n");
        logger.warn("five", { six: 6 });
        logger.debug("odd", { f() {}, big: 1n });
        await sleep(1);
        console.info("seven");
      },
    });
  `,
});

let agent: AgentProcess;
beforeAll(async () => {
  agent = await setup().agent();
});

const internal = (code: string): unknown =>
  expect.objectContaining({ type: "INTERNAL_ERROR", code });

test("a run is claimed, executed and completed", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("add", { a: 1, b: 2 });
  const run = await coordinator.until(runId, "finished");
  expect(run).toMatchObject({ outcome: "completed", attempt: 1, maxAttempts: null });
  expect(run.output).toEqual({ type: "application/json", data: "3" });
  expect((await coordinator.events(runId)).map(({ type }) => type)).toEqual([
    "run-triggered",
    "attempt-started",
    "attempt-succeeded",
  ]);
});

test("many runs share one process", async () => {
  const { coordinator } = setup();
  const runIds = await Promise.all(
    Array.from({ length: 150 }, (_, n) => coordinator.run("shared", n, { isolation: "shared" })),
  );
  const outputs = await Promise.all(
    runIds.map(async (runId) => {
      const { output } = await coordinator.until(runId, "finished");
      return JSON.parse(output?.data ?? "") as { n: number; pid: number };
    }),
  );
  expect(outputs.map(({ n }) => n)).toEqual(runIds.map((_, n) => n));
  expect(new Set(outputs.map(({ pid }) => pid)).size).toBe(1);
});

test("ctx tells what the log knows", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("context", null, { tags: ["a"], priorityMs: 2000 });
  const { output } = await coordinator.until(runId, "finished");
  // Dates need superjson.
  expect(output?.type).toBe("application/super+json");
  const { json } = JSON.parse(output?.data ?? "") as { json: unknown };
  expect(json).toMatchObject({
    attempt: { number: 1 },
    run: { id: runId, tags: ["a"], isTest: false, priority: 2 },
    task: { id: "context", filePath: "tasks.ts" },
    queue: { id: "queue_task=002fcontext", name: "task/context" },
    environment: { slug: "dev", type: "DEVELOPMENT" },
    machine: { name: "small-1x", cpu: 0.5, memory: 0.5 },
  });
});

test("an error is tried again on the agent, and final after the last attempt", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("broken");
  const run = await coordinator.until(runId, "finished");
  expect(run).toMatchObject({ outcome: "failed", attempt: 2, maxAttempts: 2 });
  expect(run.error).toMatchObject({ type: "BUILT_IN_ERROR", name: "TypeError" });
  expect(JSON.stringify(run.error)).toContain("tasks.ts:");
  const failed = (await coordinator.events(runId)).flatMap((event) =>
    event.type === "attempt-failed" ? event.data.retry : [],
  );
  expect(failed).toEqual([{ at: expect.any(Number), where: "agent" }, null]);
});

test("a later attempt may succeed", async () => {
  const { coordinator } = setup();
  const run = await coordinator.until(await coordinator.run("second"), "finished");
  expect(run).toMatchObject({ outcome: "completed", attempt: 2, output: { data: "2" } });
});

test("an attempt that was tried before elsewhere is started by its log", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.trigger("second");
  const started = { at: Date.now(), attempt: 1, agentId: "other", claimId: "1", continues: false };
  await coordinator.fact("agent", runId, "attempt-started", { ...started, maxAttempts: 3 });
  await coordinator.lose(runId, "other");
  await coordinator.dispatch(runId);
  const run = await coordinator.until(runId, "finished");
  expect(run).toMatchObject({ outcome: "completed", attempt: 2, losses: 1 });
});

test.each([
  ["once", { type: "STRING_ERROR", raw: "just text" }],
  ["abort", expect.objectContaining({ name: "AbortTaskRunError" })],
  ["unwritable", internal("TASK_OUTPUT_ERROR")],
  ["large", internal("TASK_OUTPUT_ERROR")],
  ["exits", internal("TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE")],
  ["leaks", internal("TASK_RUN_UNCAUGHT_EXCEPTION")],
  ["hungry", internal("TASK_PROCESS_OOM_KILLED")],
])("%s fails once", async (taskId, error) => {
  const { coordinator } = setup();
  const run = await coordinator.until(await coordinator.run(taskId), "finished");
  expect(run.outcome).not.toBe("completed");
  expect(run.attempt).toBe(1);
  expect(run.error).toEqual(error);
});

test("a payload that cannot be read is not tried", async () => {
  const { coordinator } = setup();
  const payload = { type: "application/json", data: "{" };
  const runId = await coordinator.run("second", null, { payload });
  const run = await coordinator.until(runId, "finished");
  expect(run).toMatchObject({ attempt: 1, error: internal("TASK_INPUT_ERROR") });
});

test("what a run prints is in its log, in order", async () => {
  const { broker, coordinator } = setup();
  const runId = await coordinator.run("talks", null, { isolation: "shared" });
  await coordinator.until(runId, "finished");
  const records: unknown[] = [];
  const feed = await Feed.start(broker.nc, {
    stream: TELEMETRY.name,
    subjects: [telemetrySubject(ENV, runId)],
    from: { after: 0 },
    onMessage: ({ data }) => {
      const { level, message, attempt, properties } = logRecordSchema.parse(decodeBody(data));
      records.push([level, message, attempt, properties]);
    },
  });
  await eventually(() => expect(records).toHaveLength(6));
  expect(records).toEqual([
    ["log", "one { two: 2 }", 1, undefined],
    ["error", "three", 1, undefined],
    ["log", "four", 1, undefined],
    ["warn", "five", 1, { six: 6 }],
    ["debug", "odd", 1, { text: "{ f: [Function: f], big: 1n }" }],
    ["info", "seven", 1, undefined],
  ]);
  await feed.stop();
});

test("a task it does not have is handed back, and served by an agent that has it", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("nobody-has-it");
  await agent.line("does not have");
  expect((await coordinator.state(runId)).status).toBe("queued");
});
