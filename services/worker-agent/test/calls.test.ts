import { beforeAll, expect, test } from "vitest";
import { STORED } from "@millrace/proto";
import { fromPacket } from "@millrace/sdk/internal";
import { Objects } from "@millrace/nats";
import { ENV } from "./support/coordinator.ts";
import { setUp } from "./support/setup.ts";

const setup = setUp({
  "tasks.ts": `
    import { task, tasks, metadata, tags, streams, queues, runs, wait } from "@millrace/sdk";
    const codeOf = async (call: () => Promise<unknown>) => {
      try { await call(); return "no error"; } catch (error) {
        const { status, code, message } = error as Error & { status: number; code: string };
        return { status, code, message };
      }
    };
    const KEY = Symbol.for("millrace.run-scope.v1");
    const host = () => (globalThis as any)[KEY].getStore().host;
    export const child = task({ id: "child", run: async (n: number) => n });
    export const asks = task({
      id: "asks",
      run: async () => [
        await codeOf(() => host().trigger({ taskId: "", body: {} })),
        await codeOf(() => host().trigger({ taskId: "child", body: { options: { maxAttempts: 0 } } })),
        await codeOf(() => host().triggerAndWait([{ taskId: "child", body: { options: { tags: 7 } } }], false)),
        await codeOf(() => host().batchTrigger([])),
        await codeOf(() => host().call("nothing.such", {})),
        await codeOf(() => host().call("tokens.retrieve", { id: 7 })),
        await codeOf(() => host().call("runs.list", { filter: {} })),
      ],
    });
    export const says = task({
      id: "says",
      retry: { maxAttempts: 2, minTimeoutInMs: 1 },
      run: async (_: unknown, { ctx }) => {
        if (ctx.attempt.number === 1) {
          metadata.set("progress", 1);
          await metadata.flush();
          await tags.add("added");
          throw new Error("again");
        }
        return { tags: ctx.run.tags, metadata: metadata.current() };
      },
    });
    export const large = task({
      id: "large",
      run: async (payload: { text: string }) => payload.text.length,
    });
    export const largeOutput = task({ id: "large-output", run: async (n: number) => ({ text: "x".repeat(n) }) });
    export const largeChild = task({
      id: "large-child",
      run: async () => (await tasks.triggerAndWait<any>("large-output", 5).unwrap()).text.length,
    });
    export const streamed = task({
      id: "streamed",
      run: async (_: unknown, { ctx }) => {
        const numbers = streams.define<number>({ id: "numbers" });
        const { waitUntilComplete } = numbers.pipe((async function* () { yield 1; yield 2; yield 3; })());
        await waitUntilComplete();
        const read: number[] = [];
        for await (const part of await numbers.read(ctx.run.id, { startIndex: 1 })) read.push(part);
        return read;
      },
    });
    export const followed = task({
      id: "followed",
      run: async () => {
        const { batchId, runs: made } = await tasks.batchTrigger("child", [{ payload: 1 }, { payload: 2 }]);
        const seen = new Set<string>();
        for await (const run of runs.subscribeToBatch(batchId)) {
          seen.add(run.id);
          if (seen.size === 2) break;
        }
        const tagged = await codeOf(async () => {
          for await (const _ of runs.subscribeToRunsWithTag("t")) break;
        });
        return { all: made.every(({ id }) => seen.has(id)), tagged };
      },
    });
    export const times = task({
      id: "times",
      run: async () => {
        const end = performance.now() + 100;
        while (performance.now() < end);
        return host().activeMs();
      },
    });
  `,
});

beforeAll(async () => {
  await setup().agent();
});

async function outputOf(runId: string): Promise<unknown> {
  const { output, error } = await setup().coordinator.until(runId, "finished");
  expect(error).toBeNull();
  return output ? fromPacket(output) : undefined;
}

test("bad calls are refused with the words of every other door, and harm nobody", async () => {
  const { coordinator } = setup();
  expect(await outputOf(await coordinator.run("asks"))).toEqual([
    { status: 400, code: "BAD_REQUEST", message: "A task id cannot be empty" },
    { status: 400, code: "BAD_REQUEST", message: expect.stringMatching(/^options.maxAttempts: /) },
    { status: 400, code: "BAD_REQUEST", message: "options.tags: expected string or array" },
    { status: 400, code: "BAD_REQUEST", message: "A batch has 1 to 1000 items, not 0" },
    { status: 400, code: "BAD_REQUEST", message: 'There is no call "nothing.such"' },
    { status: 400, code: "BAD_REQUEST", message: expect.stringMatching(/^id: /) },
    { status: 501, code: "NEEDS_GATEWAY", message: expect.stringContaining("runs.list") },
  ]);
});

test("what a run says about itself is in its log, under the role for it, and the next attempt knows it", async () => {
  const { broker, coordinator } = setup();
  const subjects: string[] = [];
  const subscription = broker.nc.subscribe("run.*.*.*.meta", {
    callback: (_, { subject }) => void subjects.push(subject),
  });
  const runId = await coordinator.run("says", null, {
    tags: ["own"],
    metadata: { data: '{"from":"trigger"}', type: "application/json" },
  });
  expect(await outputOf(runId)).toEqual({
    tags: ["own", "added"],
    metadata: { from: "trigger", progress: 1 },
  });
  expect(await coordinator.state(runId)).toMatchObject({
    tags: ["own", "added"],
    metadata: { from: "trigger", progress: 1 },
  });
  expect(subjects.filter((subject) => subject.includes(runId))).toHaveLength(2);
  subscription.unsubscribe();
});

test("a payload of two megabytes is brought from the store", async () => {
  const { broker, coordinator } = setup();
  const objects = await Objects.open(broker.nc);
  const text = JSON.stringify({ text: "p".repeat(2_000_000) });
  await objects.put(ENV, "some/payload.json", text, "application/json");
  const stored = { payload: { type: STORED, data: "some/payload.json" } };
  expect(await outputOf(await coordinator.run("large", null, stored))).toBe(2_000_000);
});

test("a payload that is no longer stored fails the run, clearly", async () => {
  const { coordinator } = setup();
  const gone = { payload: { type: STORED, data: "nothing/here" } };
  const run = await coordinator.until(await coordinator.run("large", null, gone), "finished");
  expect(run).toMatchObject({
    attempt: 1,
    error: { code: "TASK_INPUT_ERROR", message: "The run's payload is no longer stored" },
  });
});

test("an output of two megabytes is stored, and its event names it", async () => {
  const { broker, coordinator } = setup();
  const objects = await Objects.open(broker.nc);
  const run = await coordinator.until(await coordinator.run("large-output", 2_000_000), "finished");
  expect(run.output?.type).toBe(STORED);
  const stored = await objects.get(ENV, run.output?.data ?? "");
  expect(stored?.type).toBe("application/json");
  expect(JSON.parse(stored?.data ?? "")).toEqual({ text: "x".repeat(2_000_000) });
});

test("an output over ten megabytes is refused, clearly", async () => {
  const { coordinator } = setup();
  const run = await coordinator.until(
    await coordinator.run("large-output", 11_000_000),
    "finished",
  );
  expect(run).toMatchObject({
    error: { code: "TASK_OUTPUT_ERROR", message: expect.stringContaining("10 MB") },
  });
});

test("a child's stored output is brought before its parent goes on", async () => {
  const { broker, coordinator } = setup();
  const objects = await Objects.open(broker.nc);
  const runId = await coordinator.run("large-child");
  const { waits, agentId } = await coordinator.until(runId, "waiting");
  const wait = waits[0];
  const id = wait?.kind === "children" ? (wait.children[0]?.runId ?? "") : "";
  await objects.put(
    ENV,
    "child/output.json",
    JSON.stringify({ text: "y".repeat(300_000) }),
    "application/json",
  );
  const output = { output: "child/output.json", outputType: STORED };
  await coordinator.answerChild(runId, 0, {
    ok: true,
    id,
    taskIdentifier: "large-output",
    ...output,
  });
  await coordinator.signal(runId, "resume", agentId ?? "");
  expect(await outputOf(runId)).toBe(300_000);
});

test("code writes a stream, and reads one from where it wants to", async () => {
  const { coordinator } = setup();
  expect(await outputOf(await coordinator.run("streamed"))).toEqual([2, 3]);
});

test("code follows the runs of a batch; those with a tag only the gateway knows", async () => {
  const { coordinator } = setup();
  expect(await outputOf(await coordinator.run("followed"))).toMatchObject({
    all: true,
    tagged: { message: expect.stringContaining("gateway") },
  });
});

test("code knows how long it has been active", async () => {
  const { coordinator } = setup();
  const { attempt, total } = (await outputOf(await coordinator.run("times"))) as {
    attempt: number;
    total: number;
  };
  expect(attempt).toBeGreaterThanOrEqual(100);
  expect(attempt).toBeLessThan(2000);
  expect(total).toBe(attempt);
});
