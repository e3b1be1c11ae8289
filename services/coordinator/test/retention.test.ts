/** A log that keeps runs for a short time, or for a shorter time than before. */
import {
  encodeEvent,
  makeRunId,
  RUNS,
  runSubject,
  type EventData,
  type EventType,
  type LiveRun,
  type Role,
} from "@millrace/proto";
import { sleep, TestBroker, until } from "@millrace/harness";
import {
  provision,
  Publisher,
  readConfig,
  RunLogReader,
  type NatsConnection,
} from "@millrace/service-kit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Carrier } from "../src/carrier.ts";
import { coordinatorConfigSchema } from "../src/config.ts";
import { changeRetention } from "../src/retention.ts";
import { loggerInto } from "./platform.ts";
import { trigger } from "./runs.ts";

const RETENTION_MS = 2000;
const log = loggerInto([]);
const runId = (n: number): string => makeRunId(3, n, new Uint8Array(10));

let broker: TestBroker;
let nc: NatsConnection;
let jsm: Awaited<ReturnType<TestBroker["manager"]>>;
let publisher: Publisher;
let reader: RunLogReader;

beforeAll(async () => {
  broker = await TestBroker.start((each) => provision(each, 1));
  nc = await broker.connect();
  jsm = await broker.manager();
  publisher = new Publisher(nc);
  reader = new RunLogReader(nc);
});
afterAll(() => broker.stop());

async function tell<T extends EventType>(
  id: string,
  role: Role,
  type: T,
  data: EventData<T>,
): Promise<void> {
  await publisher.publish(runSubject("dev", id, role), encodeEvent(type, data), { type });
}

async function typesOf(id: string): Promise<readonly string[]> {
  return (await reader.read("dev", id)).map(({ type }) => type);
}

test("a run outlives a log that forgets it several times over, and ends", async () => {
  await jsm.streams.update(RUNS.name, { max_age: RETENTION_MS * 1e6, duplicate_window: 1e9 });
  const id = runId(1);
  await tell(id, "client", "run-triggered", { ...trigger, at: Date.now() });
  const claim = { at: Date.now(), attempt: 1, agentId: "a" };
  await tell(id, "agent", "attempt-started", {
    ...claim,
    claimId: "c",
    continues: false,
    maxAttempts: null,
  });
  const runs = new Map<string, LiveRun>();
  const look = async (): Promise<void> => {
    const state = await reader.state("dev", id);
    if (state.status !== "absent") runs.set(id, state);
  };
  await look();
  const carrier = new Carrier({
    nc,
    publisher,
    reader,
    lease: { valid: true },
    log,
    runs: () => runs.values(),
    askMs: 100,
  });
  carrier.begin();
  const { lastSeq } = await reader.log("dev", id);
  for (const until = Date.now() + 3 * RETENTION_MS; Date.now() < until; await sleep(100))
    await look();
  carrier.stop();
  const { state } = await jsm.streams.info(RUNS.name);
  expect(state.first_seq).toBeGreaterThan(lastSeq);
  expect(await reader.state("dev", id)).toMatchObject({ status: "executing", agentId: "a" });
  await tell(id, "agent", "attempt-succeeded", {
    ...claim,
    at: Date.now(),
    durationMs: 5,
    output: { data: "1", type: "application/json" },
  });
  expect(await reader.state("dev", id)).toMatchObject({
    status: "finished",
    outcome: "completed",
    trigger: { taskId: trigger.taskId },
  });
  await until("the log is empty, what it carried included", async () => {
    const info = await jsm.streams.info(RUNS.name);
    return info.state.messages === 0;
  });
});

describe("a retention that is shorter than the one in force", () => {
  test("is preceded by runs that live longer being carried forward, and by no others", async () => {
    await provision(nc, 1);
    const hourAgo = Date.now() - 3_600_000;
    const [old, young, ended] = [runId(2), runId(3), runId(4)];
    await tell(old, "client", "run-triggered", { ...trigger, at: hourAgo });
    await tell(young, "client", "run-triggered", { ...trigger, at: Date.now() });
    await tell(ended, "client", "run-triggered", { ...trigger, at: hourAgo });
    await tell(ended, "client", "cancel-requested", { at: hourAgo });
    expect(await reader.state("dev", ended)).toMatchObject({ status: "finished" });
    await changeRetention({ nc, publisher, log }, 30 * 86_400_000, 600_000);
    expect(await typesOf(old)).toEqual(["run-triggered", "run-carried"]);
    expect(await typesOf(young)).toEqual(["run-triggered"]);
    expect(await typesOf(ended)).toEqual(["run-triggered", "cancel-requested"]);
  });

  test("is no reason to carry anything when it is longer", async () => {
    const id = runId(5);
    await tell(id, "client", "run-triggered", { ...trigger, at: Date.now() - 3_600_000 });
    await changeRetention({ nc, publisher, log }, 600_000, 700_000);
    expect(await typesOf(id)).toEqual(["run-triggered"]);
  });
});

test("the setting is a duration of two minutes or more, 30 days where nothing is said", () => {
  const read = (MILLRACE_RETENTION?: string): number =>
    readConfig(coordinatorConfigSchema, { MILLRACE_RETENTION }).MILLRACE_RETENTION;
  expect(read()).toBe(30 * 86_400_000);
  expect(read("2m")).toBe(120_000);
  expect(read("1d12h")).toBe(36 * 3_600_000);
  for (const wrong of ["90s", "forever", "30", "-1d"])
    expect(() => read(wrong)).toThrow(/MILLRACE_RETENTION: must be a duration of 2m or more/);
});
