/** Schedulers on a real broker: each slot becomes one run, whoever is killed, starts or cannot be reached. */
import {
  BUCKETS,
  ownQueue,
  queueKey,
  queueRecordSchema,
  RUNS,
  scheduleKey,
  scheduleRecordSchema,
  taskKey,
  taskRecordSchema,
  type ScheduleRecord,
} from "@millrace/proto";
import { sleep, TestBroker, until } from "@millrace/harness";
import {
  Metrics,
  Bucket,
  Publisher,
  readCron,
  RunLogReader,
  scheduleRecord,
  slotAfter,
  slotRunId,
  type Logger,
  type NatsConnection,
} from "@millrace/service-kit";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { SchedulerMetrics } from "../../src/scheduler-metrics.ts";
import { Schedules } from "../../src/schedules/schedules.ts";

const MINUTE_MS = 60_000;
const TASK = "report";

let broker: TestBroker;
let bucket: Bucket<ScheduleRecord>;
let reader: RunLogReader;
type Running = { readonly schedules: Schedules; readonly nc: NatsConnection };
const running: Running[] = [];
const made: string[] = [];
let warnings: unknown[];

beforeAll(async () => {
  broker = await TestBroker.start();
  const nc = await broker.connect();
  bucket = await Bucket.open(nc, BUCKETS.schedules, scheduleRecordSchema);
  reader = new RunLogReader(nc);
  const queue = ownQueue(TASK);
  const queues = await Bucket.open(nc, BUCKETS.queues, queueRecordSchema);
  await queues.put(queueKey("dev", queue), { name: queue, type: "task", concurrencyLimit: null });
  const tasks = await Bucket.open(nc, BUCKETS.tasks, taskRecordSchema);
  await tasks.put(taskKey("dev", TASK), {
    id: TASK,
    queue,
    machine: "small-1x",
    isolation: "process",
    filePath: "report.ts",
    triggerSource: "schedule",
  });
});
afterEach(async () => {
  // One whose connection was cut cannot say that it goes.
  await Promise.allSettled(running.splice(0).map(({ schedules }) => schedules.stop()));
  await Promise.all(made.splice(0).map((id) => bucket.delete(scheduleKey("dev", id))));
});
afterAll(() => broker.stop());

/** A scheduler on a connection of its own. */
async function start(id: string): Promise<Running> {
  const nc = await broker.connect();
  warnings = [];
  const log: Partial<Logger> = {
    info: () => undefined,
    debug: () => undefined,
    warn: (fields: unknown) => warnings.push(fields),
    error: (fields: unknown) => warnings.push(fields),
  };
  const schedules = await Schedules.start({
    nc,
    publisher: new Publisher(nc),
    id,
    log: log as Logger,
    metrics: new SchedulerMetrics(new Metrics()),
  });
  running.push({ schedules, nc });
  return { schedules, nc };
}

/** A schedule of once an hour, with a slot in the minute that is so many milliseconds from now. */
async function dueIn(inMs: number, changes: Partial<ScheduleRecord> = {}): Promise<ScheduleRecord> {
  const nowMs = Date.now();
  const record = {
    ...scheduleRecord(
      "dev",
      { deduplicationKey: `k${Math.random()}` },
      { task: TASK, cron: cronOf(nowMs + inMs), timezone: "UTC" },
      undefined,
      nowMs - 3_600_000,
    ),
    ...changes,
  };
  await put(record);
  return record;
}

/** Once an hour, in this minute. */
function cronOf(atMs: number): string {
  return `${new Date(atMs).getUTCMinutes()} * * * *`;
}

async function put(record: ScheduleRecord): Promise<void> {
  made.push(record.id);
  await bucket.put(scheduleKey("dev", record.id), record);
}

/** How many first events the runs of this slot have: 0 or 1. */
async function triggered(record: ScheduleRecord, slotAt: number): Promise<number> {
  const { events } = await reader.log("dev", slotRunId("dev", ownQueue(TASK), record.id, slotAt));
  return events.filter(({ type }) => type === "run-triggered").length;
}

async function logLength(): Promise<number> {
  const jsm = await broker.manager();
  return (await jsm.streams.info(RUNS.name)).state.messages;
}

const untilNextMinute = (): number => MINUTE_MS - (Date.now() % MINUTE_MS);

test("a slot of the last half minute is triggered by whoever starts, once", async () => {
  // Without a slot in the last 25 seconds there is nothing to be late for.
  if (Date.now() % MINUTE_MS > 20_000) await sleep(untilNextMinute() + 100);
  const record = await dueIn(0);
  const slotAt = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
  const before = await logLength();
  await Promise.all([start("a"), start("b"), start("c")]);
  await until("it is triggered", async () => (await triggered(record, slotAt)) === 1);
  await sleep(3000);
  expect(await logLength()).toBe(before + 1);
  await start("d");
  await sleep(500);
  expect(await logLength()).toBe(before + 1);
}, 90_000);

test("missed slots are made up for, and those that were triggered are not", async () => {
  await start("a");
  const cron = "0 * * * *";
  const record = await dueIn(0, { cron, catchUp: 3, activeSince: Date.now() - 10 * 3_600_000 });
  const read = readCron(cron, "UTC");
  const first = read.ok ? (slotAfter(read.cron, Date.now() - 3 * 3_600_000 - 35_000) ?? 0) : 0;
  const slots = [0, 1, 2].map((hours) => first + hours * 3_600_000);
  const counts = (): Promise<number[]> =>
    Promise.all(slots.map((slotAt) => triggered(record, slotAt)));
  await until("they are triggered", async () => (await counts()).every((count) => count === 1));
  const before = await logLength();
  await start("b");
  await sleep(1000);
  expect(await logLength()).toBe(before);
}, 60_000);

test("two schedulers trigger each slot once; one that is gone delays nothing by more than seconds", async () => {
  if (untilNextMinute() < 8000) await sleep(untilNextMinute() + 100);
  const [, b] = await Promise.all([start("a"), start("b")]);
  const nextMinute = Date.now() + untilNextMinute();
  const records = await Promise.all(Array.from({ length: 300 }, () => dueIn(untilNextMinute())));
  const before = await logLength();
  // Its presence stays, as if it were killed.
  await sleep(nextMinute - Date.now() - 50);
  await b.nc.close();
  const slotAt = nextMinute - (nextMinute % MINUTE_MS);
  await until(
    "all are triggered",
    async () => (await logLength()) >= before + records.length,
    nextMinute - Date.now() + 6000,
  );
  const counts = await Promise.all(records.map((record) => triggered(record, slotAt)));
  expect(counts.every((count) => count === 1)).toBe(true);
  await sleep(2500);
  expect(await logLength()).toBe(before + records.length);
}, 120_000);

test("a slot whose task nobody serves is skipped, and that is said once", async () => {
  const record = await dueIn(0, {
    task: "nowhere",
    cron: "0 * * * *",
    catchUp: 2,
    activeSince: Date.now() - 10 * 3_600_000,
  });
  if (Date.now() % MINUTE_MS > 20_000) await sleep(untilNextMinute() + 100);
  await put({ ...record, cron: cronOf(Date.now()), catchUp: 0 });
  await start("a");
  await until("it is said", () => warnings.length > 0);
  expect(warnings).toMatchObject([{ schedule: record.id, task: "nowhere" }]);
}, 90_000);

test("what is triggered names its schedule and slot", async () => {
  await start("a");
  const cron = "0 * * * *";
  const record = await dueIn(0, { cron, catchUp: 1, activeSince: Date.now() - 5 * 3_600_000 });
  const read = readCron(cron, "UTC");
  const slotAt = read.ok ? (slotAfter(read.cron, Date.now() - 3_600_000 - 35_000) ?? 0) : 0;
  await until("it is triggered", async () => (await triggered(record, slotAt)) === 1);
  const runId = slotRunId("dev", ownQueue(TASK), record.id, slotAt);
  const { events } = await reader.log("dev", runId);
  expect(events[0]).toMatchObject({
    type: "run-triggered",
    data: {
      taskId: TASK,
      schedule: { id: record.id, slotAt },
      payload: { type: "application/super+json" },
    },
  });
});
