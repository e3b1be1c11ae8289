/**
 * Schedules on real processes: thousands of them, at a minute at which a scheduler or the broker is killed, and one that
 * runs a task. All wait for the same minute, each on an installation of its own.
 */
import { join } from "node:path";
import { configure, runs, schedules, shutdown } from "@millrace/sdk";
import { Millrace, sleep, until, type ServiceProcess } from "@millrace/harness";
import {
  Bucket,
  Feed,
  Publisher,
  scheduleRecord,
  slotRunId,
  type NatsConnection,
} from "@millrace/nats";
import {
  BUCKETS,
  encodeBody,
  ownQueue,
  parseRunSubject,
  queueKey,
  queueRecordSchema,
  RUNS,
  scheduleKey,
  taskKey,
  taskRecordSchema,
  type ScheduleRecord,
} from "@millrace/proto";
import { afterAll, expect, test } from "vitest";

const MINUTE_MS = 60_000;
const ACTIVE = 10_000;
const DUE = 1000;
const IN_TIME_MS = 5000;
/** What it takes to prepare everything before the minute. */
const PREPARING_MS = 20_000;
const TASK = "report";

const started: Millrace[] = [];
afterAll(async () => {
  await shutdown();
  await Promise.all(started.map((millrace) => millrace.stop()));
});

/** The same for all tests: they are started together. */
const slotAt = Math.ceil((Date.now() + PREPARING_MS) / MINUTE_MS) * MINUTE_MS;
const untilSlot = (apartMs: number): Promise<void> => sleep(slotAt + apartMs - Date.now());

type Installation = {
  readonly millrace: Millrace;
  readonly schedulers: readonly ServiceProcess[];
  readonly due: readonly ScheduleRecord[];
  /** When each run's first event was seen; a second one would be a failure. */
  readonly seenAt: Map<string, number>;
  readonly twice: string[];
};

/** A broker, a coordinator and two schedulers that know ten thousand schedules. */
async function install(): Promise<Installation> {
  const millrace = await Millrace.broker();
  started.push(millrace);
  await (await millrace.service("coordinator")).ready();
  const nc = await millrace.connect();
  const due = await prepare(nc);
  const schedulers = [await millrace.service("scheduler"), await millrace.service("scheduler")];
  await Promise.all(schedulers.map((scheduler) => scheduler.ready()));
  const seenAt = new Map<string, number>();
  const twice: string[] = [];
  await Feed.start(nc, {
    stream: RUNS.name,
    subjects: ["run.*.*.*.client"],
    from: { after: 0 },
    onMessage: ({ subject }) => {
      const { runId } = parseRunSubject(subject) ?? { runId: subject };
      if (seenAt.has(runId)) twice.push(runId);
      seenAt.set(runId, Date.now());
    },
  });
  expect(Date.now(), "prepared in time").toBeLessThan(slotAt - 1000);
  return { millrace, schedulers, due, seenAt, twice };
}

async function prepare(nc: NatsConnection): Promise<ScheduleRecord[]> {
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
  const minute = new Date(slotAt).getUTCMinutes();
  const records = Array.from({ length: ACTIVE }, (_, n) =>
    scheduleRecord(
      "dev",
      { deduplicationKey: `user-${n}` },
      { task: TASK, timezone: "UTC", cron: `${(minute + (n < DUE ? 0 : 30)) % 60} * * * *` },
      undefined,
      Date.now(),
    ),
  );
  const publisher = new Publisher(nc);
  await Promise.all(
    records.map((record) =>
      publisher.publish(
        `$KV.${BUCKETS.schedules.name}.${scheduleKey("dev", record.id)}`,
        encodeBody(record),
      ),
    ),
  );
  return records.slice(0, DUE);
}

/** Every schedule that was due has its run, in time, and nothing else has. */
async function expectEachOnce({ due, seenAt, twice }: Installation): Promise<void> {
  await until("all slots are triggered", () => seenAt.size >= DUE, slotAt - Date.now() + 15_000);
  // Long enough for others to have looked after them.
  await sleep(3000);
  const expected = due.map(({ id }) => slotRunId("dev", ownQueue(TASK), id, slotAt));
  expect([...seenAt.keys()].toSorted()).toEqual(expected.toSorted());
  expect(twice).toEqual([]);
  const times = [...seenAt.values()].map((at) => at - slotAt);
  expect(Math.min(...times)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...times)).toBeLessThan(IN_TIME_MS);
}

test.concurrent("of 10,000 schedules 1,000 are due when one of two schedulers is killed", async () => {
  const installation = await install();
  await untilSlot(20);
  await installation.schedulers[0]?.kill();
  await expectEachOnce(installation);
});

test.concurrent("of 10,000 schedules 1,000 are due when the broker is restarted", async () => {
  const installation = await install();
  const { millrace } = installation;
  await untilSlot(-50);
  await millrace.killBroker();
  await untilSlot(50);
  await millrace.startBroker();
  await expectEachOnce(installation);
});

test.concurrent("a task's own schedule and one that code makes run it, with dates", async () => {
  const millrace = await Millrace.start();
  started.push(millrace);
  await millrace.agent(join(import.meta.dirname, "../scheduled"));
  configure({ baseURL: millrace.apiUrl, secretKey: millrace.secretKey });
  const made = await schedules.create({
    task: "for-users",
    cron: "* * * * *",
    deduplicationKey: "user-1",
    externalId: "user-1",
  });
  expect(made.nextRun?.getTime()).toBe(Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS);
  const { data } = await schedules.list();
  const declared = data.find(({ type }) => type === "DECLARATIVE");
  expect(declared).toMatchObject({
    task: "every-minute",
    timezone: "Europe/Berlin",
    generator: { description: "Every minute" },
  });
  await expect(schedules.del(declared?.id ?? "")).rejects.toMatchObject({ status: 422 });

  const runOf = (task: string, id: string): string => slotRunId("dev", ownQueue(task), id, slotAt);
  await untilSlot(200);
  const own = await runs.poll(runOf("every-minute", declared?.id ?? ""), { pollIntervalMs: 50 });
  expect(own.output).toMatchObject({
    type: "DECLARATIVE",
    isDate: true,
    timestamp: new Date(slotAt).toISOString(),
    timezone: "Europe/Berlin",
    scheduleId: declared?.id,
  });
  const users = await runs.poll(runOf("for-users", made.id), { pollIntervalMs: 50 });
  expect(users.output).toBe("IMPERATIVE user-1");
  const listed = await runs.list({ schedule: made.id });
  expect(listed.data.map(({ id }) => id)).toContain(users.id);

  await schedules.del(made.id);
  await expect(schedules.retrieve(made.id)).rejects.toMatchObject({ status: 404 });
});
