/** Durable timers: armed in the broker, fired once in the fold, in time. */
import { randomBytes } from "node:crypto";
import {
  decodeBody,
  DUE_CONSUMER,
  dueSubject,
  encodeBody,
  encodeEvent,
  makeRunId,
  runSubject,
  scheduleHeaders,
  TIMERS,
  timerSubject,
  type EventData,
  type RunEventOf,
} from "@millrace/proto";
import {
  Metrics,
  provision,
  Publisher,
  PullLoop,
  RunLogReader,
  type Delivery,
  type Logger,
  type NatsConnection,
} from "@millrace/service-kit";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { sleep, TestBroker, until } from "@millrace/harness";
import { SchedulerMetrics } from "../src/scheduler-metrics.ts";
import { TimerFirer } from "../src/timers.ts";

const ACK_WAIT_MS = 1000;

let broker: TestBroker;
let nc: NatsConnection;
let publisher: Publisher;
let reader: RunLogReader;
let jsm: Awaited<ReturnType<TestBroker["manager"]>>;
const firers: TimerFirer[] = [];
let errors: unknown[];

beforeAll(async () => {
  broker = await TestBroker.start((each) => provision(each, 1));
  nc = await broker.connect();
  publisher = new Publisher(nc);
  reader = new RunLogReader(nc);
  jsm = await broker.manager();
  // As the scheduler would make it, but for a shorter wait until a timer that was not acknowledged comes again.
  const { stream, ...consumer } = DUE_CONSUMER;
  await jsm.consumers.add(stream, {
    ...consumer,
    ack_policy: "explicit",
    ack_wait: ACK_WAIT_MS * 1e6,
    max_deliver: -1,
  });
});
afterEach(() => {
  for (const firer of firers.splice(0)) firer.stop();
});
afterAll(() => broker.stop());

/** A scheduler's firer, over a connection of its own. */
async function start(): Promise<TimerFirer> {
  const own = await broker.connect();
  errors = [];
  const log: Partial<Logger> = {
    error: (fields: unknown) => errors.push(fields),
    warn: () => undefined,
  };
  const firer = await TimerFirer.start(
    own,
    new Publisher(own),
    log as Logger,
    new SchedulerMetrics(new Metrics()),
  );
  firers.push(firer);
  return firer;
}

const newRunId = (): string => makeRunId(3, Date.now(), randomBytes(10));

async function arm(
  runId: string,
  dueAt: number,
  name = "wait-0",
  admission?: number,
): Promise<void> {
  await publisher.publish(timerSubject("dev", runId, name), encodeBody({ dueAt, admission }), {
    headers: scheduleHeaders(dueAt, dueSubject("dev", runId, name)),
  });
}

async function fired(runId: string): Promise<RunEventOf<"timer-fired">[]> {
  const events = await reader.read("dev", runId);
  return events.filter((event) => event.type === "timer-fired");
}

async function untilFired(runId: string, times = 1): Promise<void> {
  await until("the timer has fired", async () => (await fired(runId)).length >= times);
}

async function untilAcknowledged(): Promise<void> {
  await until("nothing is due any more", async () => {
    const { state } = await jsm.streams.info(TIMERS.name);
    return state.messages === 0;
  });
}

/** A run in a wait that ends at `until`. */
async function waitingRun(waitUntil: number): Promise<string> {
  const runId = newRunId();
  const tell = async <T extends "run-triggered" | "attempt-started" | "wait-started">(
    type: T,
    data: EventData<T>,
  ): Promise<void> => {
    const role = type === "run-triggered" ? "client" : "agent";
    await publisher.publish(runSubject("dev", runId, role), encodeEvent(type, data), { type });
  };
  await tell("run-triggered", {
    at: 1,
    env: "dev",
    taskId: "t",
    queue: "task/t",
    payload: { type: "application/json" },
    tags: [],
    machine: "small-1x",
    isolation: "process",
    pool: "default",
    priorityMs: 0,
    depth: 0,
    isTest: false,
  });
  const attempt = { at: 2, attempt: 1, agentId: "a" };
  await tell("attempt-started", {
    ...attempt,
    claimId: "c",
    continues: false,
    maxAttempts: null,
  });
  const wait = { kind: "duration", key: "k", until: waitUntil } as const;
  await tell("wait-started", { ...attempt, index: 0, durationMs: 1, wait });
  return runId;
}

describe("a timer", () => {
  test("becomes one fact in its run's log when it is due, never early and hardly late", async () => {
    await start();
    const dueAt = Date.now() + 500;
    const runId = await waitingRun(dueAt);
    await arm(runId, dueAt);
    await untilFired(runId);
    const [fact] = await fired(runId);
    expect(fact?.data).toMatchObject({ name: "wait-0", dueAt });
    expect(fact?.data.at).toBeGreaterThanOrEqual(dueAt);
    expect(fact?.data.at).toBeLessThan(dueAt + 1000);
    expect(await reader.state("dev", runId)).toMatchObject({ status: "queued", continues: true });
    await untilAcknowledged();
    expect(await fired(runId)).toHaveLength(1);
  });

  test("that is overdue when it is armed fires at once", async () => {
    await start();
    const runId = newRunId();
    const armedAt = Date.now();
    await arm(runId, armedAt - 60_000);
    await untilFired(runId);
    expect(Date.now() - armedAt).toBeLessThan(1000);
  });

  test("that fell due while no scheduler ran fires when one starts", async () => {
    const runId = newRunId();
    await arm(runId, Date.now() + 50);
    const due = dueSubject("dev", runId, "wait-0");
    await until("it is due", async () => {
      const { state } = await jsm.streams.info(TIMERS.name, { subjects_filter: due });
      return state.subjects?.[due] === 1;
    });
    expect(await fired(runId)).toEqual([]);
    await start();
    await untilFired(runId);
  });

  test("that was moved fires once, at its last time", async () => {
    await start();
    const runId = newRunId();
    await arm(runId, Date.now() + 60_000);
    const dueAt = Date.now() + 200;
    await arm(runId, dueAt);
    await untilFired(runId);
    await untilAcknowledged();
    expect((await fired(runId)).map((fact) => fact.data.dueAt)).toEqual([dueAt]);
  });

  test("armed again for the same time, in a later admission of its run, fires again", async () => {
    await start();
    const runId = newRunId();
    const dueAt = Date.now() - 1000;
    await arm(runId, dueAt, "wait-0", 1);
    await untilFired(runId);
    await untilAcknowledged();
    await arm(runId, dueAt, "wait-0", 2);
    await untilFired(runId, 2);
  });

  test("of many is fired by one of several schedulers", async () => {
    await Promise.all([start(), start(), start()]);
    const dueAt = Date.now() + 300;
    const runIds = Array.from({ length: 300 }, () => newRunId());
    await Promise.all(runIds.map((runId) => arm(runId, dueAt)));
    for (const runId of runIds) await untilFired(runId);
    await untilAcknowledged();
    const facts = await Promise.all(runIds.map((runId) => fired(runId)));
    expect(facts.map((each) => each.length)).toEqual(runIds.map(() => 1));
  });

  test("whose scheduler died between the fact and the acknowledgement fires again, and counts once", async () => {
    const dueAt = Date.now() + 100;
    const runId = await waitingRun(dueAt);
    await arm(runId, dueAt);
    const { subject, data } = await take();
    const [, , , , name] = subject.split(".");
    await publisher.publish(
      runSubject("dev", runId, "scheduler"),
      encodeEvent("timer-fired", {
        at: Date.now(),
        name: name ?? "",
        ...(decodeBody(data) as { dueAt: number }),
      }),
      { type: "timer-fired" },
    );
    const once = await reader.state("dev", runId);
    expect(once).toMatchObject({ status: "queued", admission: 2 });
    await start();
    await untilFired(runId, 2);
    expect(await reader.state("dev", runId)).toEqual(once);
    await untilAcknowledged();
  });

  test("that nobody can read is dropped, and the next ones fire", async () => {
    await start();
    const where = dueSubject("dev", newRunId(), "t");
    const unreadable: readonly (readonly [string, Uint8Array])[] = [
      // Not MessagePack, nothing at all, another form, nobody's run.
      [where, new Uint8Array([0xc1])],
      [where, new Uint8Array()],
      [where, encodeBody({ due: "soon" })],
      ["due.dev.0.nobody.t", encodeBody({ dueAt: 1 })],
    ];
    for (const [subject, body] of unreadable) await publisher.publish(subject, body);
    const runId = newRunId();
    await arm(runId, Date.now());
    await untilFired(runId);
    await until("they are dropped", async () => {
      const { state } = await jsm.streams.info(TIMERS.name);
      return state.messages === 0;
    });
    expect(errors).toHaveLength(unreadable.length);
  });

  test("fires also after the broker was killed while it was armed", async () => {
    await start();
    const runId = newRunId();
    await arm(runId, Date.now() + 1000);
    await broker.crash();
    await broker.restart();
    const afterwards = new RunLogReader(await broker.connect());
    await until("it has fired", async () => (await afterwards.read("dev", runId)).length === 1);
  });
});

/** Takes one due timer like a scheduler that dies before it acknowledges. */
async function take(): Promise<Delivery> {
  return await new Promise((resolve) => {
    const loop = new PullLoop(nc, {
      stream: DUE_CONSUMER.stream,
      consumer: () => DUE_CONSUMER.durable_name,
      ensure: async () => undefined,
      onMessage: (delivery) => {
        loop.stop();
        resolve(delivery);
      },
    });
    loop.want(1);
  });
}

test("a firer that was stopped takes no timer any more", async () => {
  const firer = await start();
  firer.stop();
  await nc.flush();
  const runId = newRunId();
  await arm(runId, Date.now());
  await sleep(500);
  expect(await fired(runId)).toEqual([]);
});
