/** Calls no other end-to-end test makes. */
import { join } from "node:path";
import { configure, runs, shutdown, tasks } from "@millrace/sdk";
import { Millrace, until } from "@millrace/harness";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import type { echo } from "../tasks/outcomes.ts";
import type { heir, older, patient, told } from "../tasks/calls.ts";

let millrace: Millrace;

beforeAll(async () => {
  millrace = await Millrace.start();
  await millrace.agent(join(import.meta.dirname, "../tasks"), { MILLRACE_CPUS: "4" });
  configure({ baseURL: millrace.apiUrl, secretKey: millrace.secretKey });
});
afterAll(async () => {
  await shutdown();
  await millrace.stop();
});
afterEach(() => vi.unstubAllEnvs());

const ended = async (id: string) => await runs.poll(id, { pollIntervalMs: 50 });

test("tasks.triggerAndPoll gives the finished run", async () => {
  const run = await tasks.triggerAndPoll<typeof echo>("echo", { n: 1 }, { pollIntervalMs: 50 });
  expect(run).toMatchObject({ status: "COMPLETED", output: { n: 1 } });
});

test("a replayed run knows that it is one", async () => {
  const first = await tasks.trigger<typeof told>("told", null);
  expect((await ended(first.id)).output).toMatchObject({ isReplay: false });
  const again = await runs.replay(first.id);
  expect(await ended(again.id)).toMatchObject({ isReplay: true, output: { isReplay: true } });
});

test("a child has neither its parent's metadata nor its tags", async () => {
  const options = { tags: ["inherited"], metadata: { inherited: true } };
  const parent = await tasks.trigger<typeof heir>("heir", undefined, options);
  const run = await ended(parent.id);
  expect(run).toMatchObject({ tags: ["inherited"], metadata: { inherited: true, mine: true } });
  expect(run.output).toMatchObject({ tags: [], metadata: {} });
});

test("metadata.stream is the run's stream, read by runs.fetchStream", async () => {
  const handle = await tasks.trigger<typeof older>("older-stream", undefined);
  const read: unknown[] = [];
  for await (const chunk of await runs.fetchStream(handle.id, "numbers")) read.push(chunk);
  expect(read).toEqual([0, 1, 2, 3, 4]);
  expect((await ended(handle.id)).output).toEqual(read);
});

test("TRIGGER_VERSION is the version of triggers that name none", async () => {
  vi.stubEnv("TRIGGER_VERSION", "20261122.1");
  const usual = await tasks.trigger<typeof echo>("echo", 1);
  const other = await tasks.trigger<typeof echo>("echo", 1, { version: "20261122.2" });
  // No agent serves either: they stay where they are.
  expect(await runs.retrieve(usual.id)).toMatchObject({ version: "20261122.1", status: "QUEUED" });
  expect(await runs.retrieve(other.id)).toMatchObject({ version: "20261122.2" });
  await Promise.all([runs.cancel(usual.id), runs.cancel(other.id)]);
});

test("subscribeToRun goes on after the end with stopOnCompletion: false", async () => {
  const handle = await tasks.trigger<typeof echo>("echo", 1);
  await ended(handle.id);
  const changes = runs.subscribeToRun(handle.id, { stopOnCompletion: false });
  const loop = changes[Symbol.asyncIterator]();
  expect((await loop.next()).value).toMatchObject({ status: "COMPLETED" });
  const next = loop.next();
  const first = await Promise.race([
    next,
    new Promise((resolve) => setTimeout(resolve, 300, "quiet")),
  ]);
  expect(first).toBe("quiet");
  changes.unsubscribe();
  expect(await next).toMatchObject({ done: true });
});

test("a run that is followed has the booleans of one that is retrieved", async () => {
  const handle = await tasks.trigger<typeof echo>("echo", 1, { delay: "1h" });
  await runs.cancel(handle.id);
  const { isCompleted, isFailed, isCancelled } = await ended(handle.id);
  expect([isCompleted, isFailed, isCancelled]).toEqual([true, true, true]);
  for await (const run of runs.subscribeToRun(handle.id))
    expect(run).toMatchObject({ status: "CANCELED", isCompleted, isFailed, isCancelled });
});

test("parents that debounce with one key wait for one child", async () => {
  const parents = await Promise.all(
    [1, 2].map(() => tasks.trigger<typeof patient>("patient", { key: "shared" })),
  );
  await until("both wait", async () => {
    const statuses = await Promise.all(
      parents.map(async ({ id }) => (await runs.retrieve(id)).status),
    );
    return statuses.every((status) => status === "WAITING");
  });
  const outputs = await Promise.all(parents.map(async ({ id }) => (await ended(id)).output));
  expect(outputs[0]).toMatch(/^run_/);
  expect(outputs[1]).toBe(outputs[0]);
});

test("a run costs nothing", async () => {
  const run = await tasks.triggerAndPoll<typeof echo>("echo", 1, { pollIntervalMs: 50 });
  expect(run).toMatchObject({ costInCents: 0, baseCostInCents: 0, attempts: [] });
});
