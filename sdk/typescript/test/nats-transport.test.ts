/** The SDK straight on a real broker, without agents: what it stores and answers by itself. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Bucket, connectBroker, type NatsConnection } from "@millrace/nats";
import { TestBroker } from "@millrace/harness";
import {
  BUCKETS,
  LIMITS,
  ownQueue,
  queueKey,
  queueRecordSchema,
  taskKey,
  taskRecordSchema,
} from "@millrace/proto";
import {
  batch,
  configure,
  idempotencyKeys,
  queues,
  runs,
  shutdown,
  streams,
  tasks,
} from "../src/index.ts";
import { tokenCalls } from "../src/tokens.ts";

let broker: TestBroker;
let nc: NatsConnection;

beforeAll(async () => {
  broker = await TestBroker.start();
  nc = await connectBroker({ url: broker.url, name: "test" });
  const queue = ownQueue("echo");
  const queueRecords = await Bucket.open(nc, BUCKETS.queues, queueRecordSchema);
  await queueRecords.put(queueKey("dev", queue), {
    name: queue,
    type: "task",
    concurrencyLimit: null,
  });
  const taskRecords = await Bucket.open(nc, BUCKETS.tasks, taskRecordSchema);
  await taskRecords.put(taskKey("dev", "echo"), {
    id: "echo",
    queue,
    machine: "micro",
    isolation: "process",
    filePath: "echo.ts",
  });
  configure({ natsUrl: broker.url });
});
afterAll(async () => {
  await shutdown();
  await nc.close();
  await broker.stop();
});

const SOON = { timeout: 20_000 };

describe("over NATS", () => {
  it("an idempotency key stands for its run until it is reset", SOON, async () => {
    const idempotencyKey = await idempotencyKeys.create("once", { scope: "global" });
    const first = await tasks.trigger("echo", 1, { idempotencyKey, tags: ["a"] });
    const again = await tasks.trigger("echo", 2, { idempotencyKey });
    expect(again).toMatchObject({ id: first.id, isCached: true });
    expect(await runs.retrieve(first)).toMatchObject({
      payload: 1,
      tags: ["a"],
      idempotencyKey: "once",
    });
    await idempotencyKeys.reset("echo", idempotencyKey);
    expect((await tasks.trigger("echo", 3, { idempotencyKey })).id).not.toBe(first.id);
  });

  it("a large payload is stored, and had again", SOON, async () => {
    const payload = "ü".repeat(LIMITS.inlineBytes);
    const handle = await tasks.trigger("echo", payload);
    const run = await runs.retrieve(handle);
    expect(run.payload).toBe(payload);
    expect(run.payloadType).toBe("text/plain");
  });

  it("a batch can be looked up, and a batch's key finds its runs again", SOON, async () => {
    const items = [
      { id: "echo", payload: 1 },
      { id: "echo", payload: 2 },
    ];
    const first = await batch.trigger(items, { idempotencyKey: "pair" });
    const found = await batch.retrieve(first.batchId);
    expect(found).toMatchObject({ runCount: 2, status: "COMPLETED" });
    expect(found.runs).toEqual(first.runs.map(({ id }) => id));
    const again = await batch.trigger(items, { idempotencyKey: "pair" });
    expect(again.runs).toEqual(first.runs);
    expect(again.batchId).not.toBe(first.batchId);
  });

  it("a batch with a task nobody serves triggers nothing", SOON, async () => {
    const items = [
      { id: "echo", payload: 1, options: { idempotencyKey: "not-triggered" } },
      { id: "nobody", payload: 2 },
    ];
    await expect(batch.trigger(items)).rejects.toMatchObject({
      name: "BatchTriggerError",
      message: /^Batch item 1: Task "nobody" is not registered/,
    });
    await expect(
      idempotencyKeys.reset("echo", "not-triggered", { scope: "global" }),
    ).rejects.toMatchObject({ name: "NotFoundError" });
  });

  it("a delayed run is rescheduled, and replayed", SOON, async () => {
    const handle = await tasks.trigger("echo", { a: 1 }, { delay: "1h" });
    const moved = await runs.reschedule(handle, { delay: "3h" });
    expect(moved.delayedUntil?.getTime()).toBeGreaterThan(Date.now() + 2.9 * 3_600_000);
    const replayed = await runs.replay(handle);
    expect(await runs.retrieve(replayed)).toMatchObject({ payload: { a: 1 }, isReplay: true });
  });

  it("a stream written from outside is read, and found by who follows the run", SOON, async () => {
    const handle = await tasks.trigger("echo", 1);
    const numbers = streams.define<{ n: number }>({ id: "numbers" });
    async function* source(): AsyncGenerator<{ n: number }> {
      for (let n = 0; n < 5; n++) yield { n };
    }
    const { waitUntilComplete } = numbers.pipe(source(), { target: handle.id });
    await waitUntilComplete();
    const seen: number[] = [];
    for await (const { n } of await numbers.read(handle.id, { startIndex: 2 })) seen.push(n);
    expect(seen).toEqual([2, 3, 4]);
    const parts: unknown[] = [];
    for await (const part of runs.subscribeToRun(handle.id).withStreams()) {
      if (part.type === "numbers") parts.push(part.chunk);
      if (parts.length === 5) break;
    }
    expect(parts).toEqual([0, 1, 2, 3, 4].map((n) => ({ n })));
  });

  it("a token is made, completed once, and retrieved", SOON, async () => {
    const token = await tokenCalls.createToken({ idempotencyKey: "approval", timeout: "1h" });
    expect(await tokenCalls.createToken({ idempotencyKey: "approval" })).toMatchObject({
      id: token.id,
      isCached: true,
    });
    const at = new Date(0);
    await tokenCalls.completeToken(token, { at });
    await tokenCalls.completeToken(token, "too late");
    const found = await tokenCalls.retrieveToken(token);
    expect(found).toMatchObject({ status: "COMPLETED", output: { at } });
    const listed: string[] = [];
    for await (const { id } of tokenCalls.listTokens({ status: "COMPLETED" })) listed.push(id);
    expect(listed).toContain(token.id);
  });

  it("a queue's limit is overridden, and the queue paused", SOON, async () => {
    const echo = { type: "task", name: "echo" } as const;
    expect(await queues.overrideConcurrencyLimit(echo, 3)).toMatchObject({
      concurrencyLimit: 3,
      concurrency: { base: null, override: 3 },
    });
    expect(await queues.pause(echo)).toMatchObject({ paused: true });
    expect(await queues.resume(echo)).toMatchObject({ paused: false });
    expect(await queues.resetConcurrencyLimit(echo)).toMatchObject({ concurrencyLimit: null });
    const [listed] = (await queues.list()).data;
    expect(listed).toMatchObject({ type: "task", paused: false });
    expect((await queues.retrieve(listed?.id ?? "")).name).toBe(listed?.name);
  });

  it("what needs a gateway is refused, naming what to set", SOON, async () => {
    await expect(runs.list()).rejects.toMatchObject({
      code: "NEEDS_GATEWAY",
      message: /MILLRACE_API_URL/,
    });
    const following = runs.subscribeToRunsWithTag("a")[Symbol.asyncIterator]().next();
    await expect(following).rejects.toMatchObject({ code: "NEEDS_GATEWAY" });
  });

  it("following an unknown run, or its stream, fails", SOON, async () => {
    const unknown = "run_00000000000000000000000000z";
    await expect(streams.read(unknown)).rejects.toMatchObject({ name: "NotFoundError" });
    const following = runs.subscribeToRun(unknown)[Symbol.asyncIterator]().next();
    await expect(following).rejects.toMatchObject({ name: "NotFoundError" });
  });
});
