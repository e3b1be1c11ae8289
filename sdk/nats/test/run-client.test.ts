/** The client's side of runs: trigger, retrieve, cancel; and the catalog of what may be triggered. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BUCKETS,
  isRunId,
  ownQueue,
  queueKey,
  queueRecordSchema,
  shardOfQueue,
  shardOfRun,
  taskKey,
  taskRecordSchema,
  type QueueRecord,
  type TaskRecord,
} from "@millrace/proto";
import {
  Bucket,
  BrokerUnavailableError,
  Catalog,
  connectBroker,
  Publisher,
  RunClient,
  type NatsConnection,
} from "../src/index.ts";
import { TestBroker, until } from "@millrace/harness";
import { newRunId, started, state, succeeded } from "./facts.ts";

const resize: TaskRecord = {
  id: "resize",
  queue: ownQueue("resize"),
  machine: "small-1x",
  isolation: "process",
  filePath: "tasks/resize.ts",
};

let broker: TestBroker;
let nc: NatsConnection;
let publisher: Publisher;
let tasks: Bucket<TaskRecord>;
let queues: Bucket<QueueRecord>;
let catalog: Catalog;
let runs: RunClient;

beforeAll(async () => {
  broker = await TestBroker.start();
  nc = await broker.connect();
  publisher = new Publisher(nc);
  tasks = await Bucket.open(nc, BUCKETS.tasks, taskRecordSchema);
  queues = await Bucket.open(nc, BUCKETS.queues, queueRecordSchema);
  await register(resize);
  catalog = await Catalog.open(nc);
  runs = new RunClient(nc, publisher, catalog);
});
afterAll(() => broker.stop());

async function register(task: TaskRecord): Promise<void> {
  await queues.put(queueKey("dev", task.queue), {
    name: task.queue,
    type: "task",
    concurrencyLimit: null,
  });
  await tasks.put(taskKey("dev", task.id), task);
}

async function storedMessages(): Promise<number> {
  const jsm = await broker.manager();
  return (await jsm.streams.info("RUNS")).state.messages;
}

async function trigger(): Promise<string> {
  const triggered = await runs.trigger("dev", "resize", { payload: { n: 1 } });
  if (!triggered.ok) throw new Error(triggered.message);
  return triggered.runId;
}

describe("a trigger", () => {
  test("makes a queued run in its queue's shard, which can be retrieved", async () => {
    const runId = await trigger();
    expect(isRunId(runId)).toBe(true);
    expect(shardOfRun(runId)).toBe(shardOfQueue("dev", resize.queue));
    expect(await runs.retrieve("dev", runId)).toMatchObject({
      id: runId,
      status: "queued",
      trigger: { taskId: "resize", queue: "task/resize", payload: { data: '{"n":1}' } },
    });
  });

  test.each([
    ["of an unknown task", "unknown", {}, "TASK_NOT_FOUND"],
    ["into an unknown queue", "resize", { options: { queue: { name: "x" } } }, "QUEUE_NOT_FOUND"],
    ["with an unusable option", "resize", { options: { delay: "soon" } }, "INVALID_OPTION"],
  ])("%s is refused and writes nothing", async (_what, taskId, body, code) => {
    const before = await storedMessages();
    expect(await runs.trigger("dev", taskId, body)).toMatchObject({ ok: false, code });
    expect(await storedMessages()).toBe(before);
  });

  test("repeated under one id makes one run, as it was triggered first", async () => {
    const runId = newRunId();
    const before = await storedMessages();
    const both = await Promise.all([
      runs.trigger("dev", "resize", { payload: 1 }, { runId }),
      runs.trigger("dev", "resize", { payload: 2 }, { runId }),
    ]);
    expect(both).toEqual([
      { ok: true, runId, isCached: false, isNew: true },
      { ok: true, runId, isCached: false, isNew: false },
    ]);
    expect(await storedMessages()).toBe(before + 1);
    expect(await runs.retrieve("dev", runId)).toMatchObject({
      trigger: { payload: { data: "1" } },
    });
  });

  test("of which nobody knows whether it was stored fails as such", async () => {
    const connection = await broker.connect();
    const far = new RunClient(connection, new Publisher(connection), catalog);
    await connection.close();
    await expect(far.trigger("dev", "resize", {})).rejects.toThrow(BrokerUnavailableError);
  });
});

describe("retrieving", () => {
  test.each([
    ["an unknown run", newRunId()],
    ["what is no id", "nonsense"],
  ])("%s finds none", async (_what, runId) => {
    expect(await runs.retrieve("dev", runId)).toBeUndefined();
  });
});

describe("a cancellation", () => {
  test("ends a queued run", async () => {
    const runId = await trigger();
    expect(await runs.cancel("dev", runId)).toEqual({ ok: true });
    expect(await runs.retrieve("dev", runId)).toMatchObject({
      status: "finished",
      outcome: "canceled",
    });
  });

  test("of an unknown run is refused", async () => {
    expect(await runs.cancel("dev", newRunId())).toMatchObject({ code: "RUN_NOT_FOUND" });
  });

  test("of a finished run changes nothing and writes nothing", async () => {
    const runId = await trigger();
    await state(publisher, runId, started());
    await state(publisher, runId, succeeded());
    const before = await storedMessages();
    expect(await runs.cancel("dev", runId)).toEqual({ ok: true });
    expect(await storedMessages()).toBe(before);
    expect(await runs.retrieve("dev", runId)).toMatchObject({ outcome: "completed" });
  });
});

describe("the catalog", () => {
  const queueOf = (task: TaskRecord): string => task.queue;

  test("knows what was registered before and after it was opened", async () => {
    expect(catalog.known("dev", "resize", queueOf)).toMatchObject({ task: resize });
    expect(catalog.known("dev", "later", queueOf)).toBeUndefined();
    await register({ ...resize, id: "later", queue: ownQueue("later") });
    await until("it is known", () => catalog.known("dev", "later", queueOf) !== undefined);
  });

  test("looks up what it has not heard of yet", async () => {
    const deaf = await Catalog.open(nc);
    await deaf.close();
    await register({ ...resize, id: "unheard", queue: ownQueue("unheard") });
    expect(deaf.known("dev", "unheard", queueOf)).toBeUndefined();
    expect(await deaf.task("dev", "unheard")).toMatchObject({ id: "unheard" });
    expect(await deaf.queue("dev", ownQueue("unheard"))).toMatchObject({ type: "task" });
    expect(await deaf.task("prod", "unheard")).toBeUndefined();
  });

  test("forgets what was removed", async () => {
    await register({ ...resize, id: "gone", queue: ownQueue("gone") });
    await until("it is known", () => catalog.known("dev", "gone", queueOf) !== undefined);
    await tasks.delete(taskKey("dev", "gone"));
    await until("it is gone", () => catalog.known("dev", "gone", queueOf) === undefined);
    expect(await catalog.task("dev", "gone")).toBeUndefined();
  });
});

test("connecting where no broker answers fails, saying where and what to do", async () => {
  const url = "nats://127.0.0.1:1";
  const connecting = connectBroker({ url, name: "test", timeoutMs: 100 });
  await expect(connecting).rejects.toThrow(BrokerUnavailableError);
  await expect(connecting).rejects.toThrow(/nats:\/\/127\.0\.0\.1:1.*MILLRACE_NATS_URL/);
});
