/** The SDK, over each of its transports: the same calls give the same results. */
import { configure, runs, shutdown, tasks } from "@millrace/sdk";
import { Millrace } from "@millrace/harness";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { echo, failing, napping, parent } from "../tasks/basic.ts";

const tasksDir = join(import.meta.dirname, "../tasks");
let millrace: Millrace;

beforeAll(async () => {
  millrace = await Millrace.start();
  await millrace.agent(tasksDir, { MILLRACE_CPUS: "4" });
});
afterAll(() => millrace.stop());

describe.each(["http", "nats"] as const)("over %s", (transport) => {
  beforeAll(() => {
    if (transport === "http")
      configure({ baseURL: millrace.apiUrl, secretKey: millrace.secretKey });
    else configure({ natsUrl: millrace.natsUrl });
  });
  afterAll(() => shutdown());

  test("a triggered run is retrieved with its output when it has completed", async () => {
    const handle = await tasks.trigger<typeof echo>("echo", { a: [1, "two", null] });
    expect(handle.id).toMatch(/^run_/);
    const run = await runs.poll(handle, { pollIntervalMs: 20 });
    expect(run).toMatchObject({
      id: handle.id,
      status: "COMPLETED",
      taskIdentifier: "echo",
      isSuccess: true,
      attemptCount: 1,
      payload: { a: [1, "two", null] },
      output: { a: [1, "two", null] },
    });
    expect(run.createdAt).toBeInstanceOf(Date);
    expect(run.finishedAt).toBeInstanceOf(Date);
  });

  test("tags, metadata, priority and machine of the trigger are the run's", async () => {
    const handle = await tasks.trigger<typeof echo>("echo", 1, {
      tags: ["a", "b"],
      metadata: { step: 1 },
      priority: 5,
      machine: "small-2x",
    });
    const run = await runs.poll(handle, { pollIntervalMs: 20 });
    expect(run).toMatchObject({ status: "COMPLETED", tags: ["a", "b"], metadata: { step: 1 } });
  });

  test("a task that fails is retried as its settings say", async () => {
    const handle = await tasks.trigger<typeof failing>("failing", { until: 3 });
    const run = await runs.poll(handle, { pollIntervalMs: 20 });
    expect(run).toMatchObject({ status: "COMPLETED", output: 3, attemptCount: 3 });
  });

  test("and fails for good after its last attempt, with its error", async () => {
    const handle = await tasks.trigger<typeof failing>("failing", { until: 9 });
    const run = await runs.poll(handle, { pollIntervalMs: 20 });
    expect(run).toMatchObject({ status: "FAILED", isFailed: true, attemptCount: 3 });
    expect(run.error).toMatchObject({ name: "Error", message: "attempt 3 fails" });
  });

  test("a parent waits for its children and gets their results in order", async () => {
    const handle = await tasks.trigger<typeof parent>("parent", { children: 20 });
    const run = await runs.poll(handle, { pollIntervalMs: 50 });
    expect(run.output).toEqual({
      one: { n: "one" },
      many: Array.from({ length: 20 }, (_, n) => ({ n })),
    });
  });

  test("a parent and its child share a queue of one: waiting gives the slot back", async () => {
    const handle = await tasks.trigger("alone-parent", 21);
    const run = await runs.poll(handle, { pollIntervalMs: 50 });
    expect(run).toMatchObject({ status: "COMPLETED", output: 42 });
  });

  test("a long wait ends in the same process, seconds later", async () => {
    const handle = await tasks.trigger<typeof napping>("napping", { seconds: 6 });
    const seen: string[] = [];
    for await (const run of runs.subscribeToRun(handle.id)) seen.push(run.status);
    expect(seen).toContain("WAITING");
    expect(seen.at(-1)).toBe("COMPLETED");
    expect((await runs.retrieve(handle)).output).toEqual({ samePlace: true });
  });

  test("a delayed run starts when its delay is over", async () => {
    const before = Date.now();
    const handle = await tasks.trigger<typeof echo>("echo", "late", { delay: "1s" });
    expect((await runs.retrieve(handle)).status).toBe("DELAYED");
    const run = await runs.poll(handle, { pollIntervalMs: 20 });
    expect(run.status).toBe("COMPLETED");
    expect(run.startedAt?.getTime()).toBeGreaterThanOrEqual(before + 1000);
  });

  test("subscribing shows a run until its end", async () => {
    const handle = await tasks.trigger<typeof echo>("echo", "x");
    let last: { status: string; output?: unknown } | undefined;
    for await (const run of runs.subscribeToRun(handle.id)) last = run;
    expect(last).toMatchObject({ status: "COMPLETED", output: "x" });
  });

  test("cancelling stops code that is executing", async () => {
    const handle = await tasks.trigger("endless", null);
    for await (const run of runs.subscribeToRun(handle.id)) {
      if (run.status === "EXECUTING") await runs.cancel(handle.id);
    }
    expect(await runs.retrieve(handle)).toMatchObject({ status: "CANCELED", isCancelled: true });
  });

  test("cancelling a delayed run ends it at once", async () => {
    const handle = await tasks.trigger<typeof echo>("echo", "never", { delay: "1h" });
    await runs.cancel(handle.id);
    const run = await runs.poll(handle, { pollIntervalMs: 20 });
    expect(run).toMatchObject({ status: "CANCELED", attemptCount: 0 });
  });

  test.each([
    ["an unknown task", "nobody", {}, 404, /"nobody" is not registered/],
    ["an unknown queue", "echo", { queue: "nowhere" }, 422, /Queue "nowhere" does not exist/],
    [
      "too many tags",
      "echo",
      { tags: Array.from({ length: 11 }, (_, n) => `tag-${n}`) },
      422,
      /at most 10 tags/,
    ],
    ["a bad delay", "echo", { delay: "soon" }, 422, /delay must be a duration/],
    [
      "an unknown machine",
      "echo",
      { machine: "huge" },
      422,
      /Unknown machine "huge"; the presets are/,
    ],
  ])("%s is refused with the same error", async (_name, taskId, options, status, message) => {
    const refused = tasks.trigger(taskId, 1, options as never);
    await expect(refused).rejects.toMatchObject({ status });
    await expect(refused).rejects.toThrow(message);
  });

  test("an unknown run is not found", async () => {
    const refused = runs.retrieve("run_0000000000a000000000000000b");
    await expect(refused).rejects.toMatchObject({ status: 404 });
  });
});
