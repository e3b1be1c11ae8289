/** Timers fired by the schedulers' own clocks: on time, as they were armed last, and never lost with a scheduler. */
import { randomBytes } from "node:crypto";
import {
  dueSubject,
  encodeBody,
  makeRunId,
  scheduleHeaders,
  TIMERS,
  timerSubject,
  type RunEventOf,
} from "@millrace/proto";
import {
  Metrics,
  provision,
  Publisher,
  purgeSubject,
  RunLogReader,
  type Logger,
  type NatsConnection,
} from "@millrace/service-kit";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { sleep, TestBroker, until } from "@millrace/harness";
import { PunctualTimers } from "../src/punctual-timers.ts";
import { SchedulerMetrics } from "../src/scheduler-metrics.ts";
import { TimerFirer } from "../src/timers.ts";

let broker: TestBroker;
let nc: NatsConnection;
let publisher: Publisher;
let reader: RunLogReader;
const schedulers: { stop(): void }[] = [];

beforeAll(async () => {
  broker = await TestBroker.start((each) => provision(each, 1));
  nc = await broker.connect();
  publisher = new Publisher(nc);
  reader = new RunLogReader(nc);
});
afterEach(() => {
  for (const scheduler of schedulers.splice(0)) scheduler.stop();
});
afterAll(() => broker.stop());

const quiet: Partial<Logger> = {
  error: () => undefined,
  warn: () => undefined,
  debug: () => undefined,
};

/** A scheduler with a connection of its own, both ways of firing. */
async function start(): Promise<PunctualTimers> {
  const own = await broker.connect();
  const log = quiet as Logger;
  const metrics = new SchedulerMetrics(new Metrics());
  schedulers.push(await TimerFirer.start(own, new Publisher(own), log, metrics));
  const punctual = new PunctualTimers(own, new Publisher(own), log, metrics);
  schedulers.push(punctual);
  await own.flush();
  return punctual;
}

const newRunId = (): string => makeRunId(3, Date.now(), randomBytes(10));

async function arm(runId: string, dueAt: number): Promise<void> {
  await publisher.publish(timerSubject("dev", runId, "wait-0"), encodeBody({ dueAt }), {
    headers: scheduleHeaders(dueAt, dueSubject("dev", runId, "wait-0")),
  });
}

async function fired(runId: string): Promise<RunEventOf<"timer-fired">[]> {
  const events = await reader.read("dev", runId);
  return events.filter((event) => event.type === "timer-fired");
}

async function untilFired(runId: string): Promise<RunEventOf<"timer-fired">> {
  await until("the timer has fired", async () => (await fired(runId)).length > 0);
  const [fact] = await fired(runId);
  if (!fact) throw new Error("no fact");
  return fact;
}

async function untilNothingIsArmed(): Promise<void> {
  await until("nothing is armed or due", async () => {
    const jsm = await broker.manager();
    return (await jsm.streams.info(TIMERS.name)).state.messages === 0;
  });
}

test("lone timers fire within 50 ms of their time, short ones too, and never early", async () => {
  await start();
  const delays = Array.from({ length: 20 }, (_, i) => [300, 300 + 37 * i]).flat();
  const armed = await Promise.all(
    delays.map(async (delay, i) => {
      await sleep(11 * i);
      const runId = newRunId();
      const dueAt = Date.now() + delay;
      await arm(runId, dueAt);
      return { runId, dueAt };
    }),
  );
  const late: number[] = [];
  for (const { runId, dueAt } of armed) late.push((await untilFired(runId)).data.at - dueAt);
  expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
  // Others use this machine, too: one of forty may be held up.
  expect(late.toSorted((a, b) => a - b)[late.length - 2]).toBeLessThanOrEqual(50);
  await untilNothingIsArmed();
});

test("a timer that was disarmed does not fire", async () => {
  const punctual = await start();
  const runId = newRunId();
  await arm(runId, Date.now() + 300);
  await until("it is known", () => punctual.size === 1);
  await purgeSubject(nc, TIMERS.name, timerSubject("dev", runId, "wait-0"));
  await sleep(700);
  expect(await fired(runId)).toEqual([]);
});

test("a timer that was moved fires once, at its last time, whichever scheduler heard of the move", async () => {
  await Promise.all([start(), start()]);
  const moved = await Promise.all(
    Array.from({ length: 40 }, async () => {
      const runId = newRunId();
      await arm(runId, Date.now() + 200);
      const dueAt = Date.now() + 600;
      await arm(runId, dueAt);
      return { runId, dueAt };
    }),
  );
  for (const { runId, dueAt } of moved) expect((await untilFired(runId)).data.dueAt).toBe(dueAt);
  await untilNothingIsArmed();
  for (const { runId } of moved) expect(await fired(runId)).toHaveLength(1);
});

test("of thousands due at once each fires once, by one scheduler or the other or the broker", async () => {
  await Promise.all([start(), start()]);
  const dueAt = Date.now() + 1500;
  const runIds = Array.from({ length: 3000 }, () => newRunId());
  await Promise.all(runIds.map((runId) => arm(runId, dueAt)));
  await untilNothingIsArmed();
  const counts = await Promise.all(runIds.map(async (runId) => (await fired(runId)).length));
  expect(counts.filter((count) => count !== 1)).toEqual([]);
});

test("timers of a scheduler that is gone are fired by the broker", async () => {
  const gone = await start();
  const runId = newRunId();
  const dueAt = Date.now() + 800;
  await arm(runId, dueAt);
  await until("it is known", () => gone.size === 1);
  for (const scheduler of schedulers.splice(0)) scheduler.stop();
  await start();
  expect((await untilFired(runId)).data.at - dueAt).toBeLessThan(1000);
});
