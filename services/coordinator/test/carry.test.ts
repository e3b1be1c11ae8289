/** Runs that live longer than the log's maximum age. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launchBroker, type LaunchedBroker } from "@millrace/harness";
import { connectBroker } from "@millrace/nats";
import {
  encodeEvent,
  makeRunId,
  RUNS,
  runSubject,
  runSubjects,
  type LiveRun,
  type Trigger,
} from "@millrace/proto";
import { provision, Publisher, RunLogReader, type NatsConnection } from "@millrace/service-kit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { carry, mustBeCarried } from "../src/carry.ts";

const DAY_MS = 86_400_000;
const runId = makeRunId(3, 1, new Uint8Array(10));
const trigger: Trigger = {
  at: 1000,
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
};

const dir = mkdtempSync(join(tmpdir(), "millrace-carry-"));
let broker: LaunchedBroker;
let nc: NatsConnection;
let publisher: Publisher;
let reader: RunLogReader;

beforeAll(async () => {
  broker = await launchBroker({ storeDir: dir });
  nc = await connectBroker({ url: broker.url, name: "test" });
  await provision(nc, 1);
  publisher = new Publisher(nc);
  reader = new RunLogReader(nc);
});
afterAll(async () => {
  await nc.close();
  await broker.stop();
  rmSync(dir, { recursive: true, force: true });
});

test("a run is carried when half of the log's maximum age has passed since its beginning", () => {
  const run = { status: "queued", trigger, carriedAt: null } as LiveRun;
  expect(mustBeCarried(run, trigger.at + 14 * DAY_MS, 30 * DAY_MS)).toBe(false);
  expect(mustBeCarried(run, trigger.at + 16 * DAY_MS, 30 * DAY_MS)).toBe(true);
  expect(
    mustBeCarried(
      { ...run, carriedAt: trigger.at + 10 * DAY_MS },
      trigger.at + 16 * DAY_MS,
      30 * DAY_MS,
    ),
  ).toBe(false);
  expect(mustBeCarried(run, trigger.at + 400, 900)).toBe(false);
  expect(mustBeCarried(run, trigger.at + 500, 900)).toBe(true);
  expect(mustBeCarried(run, trigger.at + 16 * DAY_MS, Number.POSITIVE_INFINITY)).toBe(false);
});

test("a carried run is the same when its earlier events are gone", async () => {
  const publish = async (
    role: "client" | "agent",
    type: "run-triggered" | "attempt-started",
    body: Uint8Array,
  ) => publisher.publish(runSubject("dev", runId, role), body, { type });
  await publish("client", "run-triggered", encodeEvent("run-triggered", trigger));
  await publish(
    "agent",
    "attempt-started",
    encodeEvent("attempt-started", {
      at: 2000,
      attempt: 1,
      agentId: "a",
      claimId: "c",
      continues: false,
      maxAttempts: null,
    }),
  );
  expect(await carry(publisher, reader, "dev", runId, 9000)).toBe(true);
  const whole = await reader.state("dev", runId);
  expect(whole).toMatchObject({ status: "executing", agentId: "a", carriedAt: 9000 });

  await nc.request(
    `$JS.API.STREAM.PURGE.${RUNS.name}`,
    JSON.stringify({ filter: runSubjects("dev", runId), keep: 1 }),
  );
  expect(await reader.read("dev", runId)).toHaveLength(1);
  expect(await reader.state("dev", runId)).toEqual(whole);
});

test("a run whose log goes on meanwhile is not carried", async () => {
  const busy = {
    log: async () => {
      const log = await reader.log("dev", runId);
      await publisher.publish(
        runSubject("dev", runId, "client"),
        encodeEvent("cancel-requested", { at: 9500 }),
        { type: "cancel-requested" },
      );
      return log;
    },
  };
  expect(await carry(publisher, busy, "dev", runId, 9900)).toBe(false);
});

test("a message that is no fact does not keep a run from being carried", async () => {
  const id = makeRunId(3, 2, new Uint8Array(10));
  await publisher.publish(runSubject("dev", id, "client"), encodeEvent("run-triggered", trigger), {
    type: "run-triggered",
  });
  await publisher.publish(runSubject("dev", id, "client"), new Uint8Array([1]), {
    type: "of-a-later-version",
  });
  expect(await carry(publisher, reader, "dev", id, 9000)).toBe(true);
});
