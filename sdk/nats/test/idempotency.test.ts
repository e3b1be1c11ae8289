/** Idempotency keys: one key, one run. */
import {
  BUCKETS,
  idempotencyKeyOf,
  idempotencyRecordSchema,
  type EventData,
  type TriggerBody,
} from "@millrace/proto";
import { until } from "@millrace/harness";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Bucket, BrokerUnavailableError } from "../src/index.ts";
import { newRunId, started, state, succeeded, type Fact } from "./facts.ts";
import { Platform, type Client } from "./platform.ts";

let platform: Platform;
let clients: readonly Client[];
let client: Client;
let keyCount = 0;

beforeAll(async () => {
  platform = await Platform.start();
  await platform.declare({ name: "other", type: "custom", concurrencyLimit: null });
  clients = await Promise.all([platform.client(), platform.client(), platform.client()]);
  [client] = clients as [Client];
});
afterAll(() => platform.stop());

function newKey(): string {
  return `key ${keyCount++}`;
}

function body(key: string, payload: unknown = 1, ttl?: string, queue?: string): TriggerBody {
  const options = {
    idempotencyKey: key,
    ...(ttl ? { idempotencyKeyTTL: ttl } : {}),
    ...(queue ? { queue: { name: queue } } : {}),
  };
  return { payload, options };
}

async function trigger(by: Client, ...args: Parameters<typeof body>) {
  const triggered = await by.runs.trigger("dev", "resize", body(...args));
  if (!triggered.ok) throw new Error(triggered.message);
  return triggered;
}

async function plan(by: Client, ...args: Parameters<typeof body>) {
  const plan = await by.runs.plan("dev", "resize", body(...args));
  if (!plan.ok) throw new Error(plan.message);
  return plan;
}

const failed = (error: EventData<"attempt-failed">["error"]): Fact => [
  "agent",
  "attempt-failed",
  { at: 3000, attempt: 1, agentId: "a1", durationMs: 1, error, retry: null },
];
const internal = (code: string): Fact => failed({ type: "INTERNAL_ERROR", code });

describe("triggers with one key", () => {
  test("one after the other have one run, as the first triggered it", async () => {
    const key = newKey();
    const first = await trigger(client, key, "first");
    expect(first.isCached).toBe(false);
    expect(await trigger(clients[1] ?? client, key, "second")).toEqual({
      ...first,
      isCached: true,
      isNew: false,
    });
    expect(await client.runs.retrieve("dev", first.runId)).toMatchObject({
      trigger: { payload: { data: '"first"' }, idempotency: { key } },
    });
  });

  test("all at once, over several connections, have one run, triggered once", async () => {
    const key = newKey();
    const before = await platform.messages();
    const triggered = await Promise.all(
      clients.flatMap((by) => Array.from({ length: 30 }, (_, n) => trigger(by, key, n))),
    );
    expect(new Set(triggered.map(({ runId }) => runId)).size).toBe(1);
    expect(triggered.filter(({ isCached }) => !isCached)).toHaveLength(1);
    expect(await platform.messages()).toBe(before + 1);
  });

  test("of other tasks and environments have runs of their own", async () => {
    const key = newKey();
    await platform.register({
      id: "crop",
      queue: "task/crop",
      machine: "micro",
      isolation: "process",
      filePath: "x.ts",
    });
    const one = await trigger(client, key);
    const two = await client.runs.trigger("dev", "crop", body(key));
    expect(two).toMatchObject({ ok: true, isCached: false });
    expect(two).not.toMatchObject({ runId: one.runId });
  });

  test("longer than a subject may be are told apart", async () => {
    const long = "ö".repeat(2000);
    const first = await trigger(client, `${long}a`);
    expect(await trigger(client, `${long}a`)).toEqual({ ...first, isCached: true, isNew: false });
    expect((await trigger(client, `${long}b`)).runId).not.toBe(first.runId);
    expect(client.nc.isClosed()).toBe(false);
  });
});

describe("a key", () => {
  test("whose time to live is over leads to a new run", async () => {
    const key = newKey();
    const first = await trigger(client, key, 1, "1s");
    await until(
      "it is free",
      async () => (await trigger(client, key, 2, "1s")).runId !== first.runId,
    );
  });

  test("that was reset leads to a new run", async () => {
    const key = newKey();
    const calls = await client.calls();
    const first = await trigger(client, key);
    const reset = { taskId: "resize", key };
    expect(await calls.call("dev", "idempotencyKeys.reset", reset)).toEqual({
      ok: true,
      value: { id: key },
    });
    expect((await trigger(client, key)).runId).not.toBe(first.runId);
    expect(
      await calls.call("dev", "idempotencyKeys.reset", { taskId: "resize", key: newKey() }),
    ).toMatchObject({ code: "IDEMPOTENCY_KEY_NOT_FOUND" });
  });

  test.each([
    ["failed", [started(), failed({ type: "STRING_ERROR", raw: "no" })]],
    ["crashed", [started(), internal("TASK_RUN_CRASHED")]],
    ["timed out", [started(), internal("MAX_DURATION_EXCEEDED")]],
    ["ended by the system", [started(), internal("UNSPECIFIED_ERROR")]],
    ["expired", [["scheduler", "timer-fired", { at: 1, name: "ttl", dueAt: 1 }]]],
  ] as const)("of a run that %s leads to one new run", async (_how, facts) => {
    const key = newKey();
    const { runId } = await trigger(client, key);
    for (const fact of facts) await state(client.publisher, runId, fact as Fact);
    const again = await Promise.all(clients.map((by) => trigger(by, key)));
    expect(new Set(again.map((each) => each.runId)).size).toBe(1);
    expect(again[0]?.runId).not.toBe(runId);
    expect(again.filter(({ isCached }) => !isCached)).toHaveLength(1);
  });

  test.each([
    ["completed", [started(), succeeded()]],
    ["was canceled", [["client", "cancel-requested", { at: 2500 }]]],
    ["executes", [started()]],
  ] as const)("of a run that %s leads to it", async (_how, facts) => {
    const key = newKey();
    const first = await trigger(client, key);
    for (const fact of facts) await state(client.publisher, first.runId, fact as Fact);
    expect(await trigger(client, key)).toEqual({ ...first, isCached: true, isNew: false });
  });
});

describe("a key that was claimed by somebody who died before the trigger", () => {
  test("has its run triggered by whoever meets it, under the same id", async () => {
    const key = newKey();
    const lost = await client.runs.claim("dev", await plan(client, key));
    const triggered = await Promise.all(clients.map((by) => trigger(by, key)));
    expect(new Set(triggered.map(({ runId }) => runId))).toEqual(new Set([lost.runId]));
    expect(triggered.filter(({ isCached }) => !isCached)).toHaveLength(1);
  });

  test("has its run triggered where it was to go, by one whose queue is another", async () => {
    const key = newKey();
    const planned = await plan(client, key);
    const lost = await client.runs.claim("dev", planned);
    const other = await trigger(client, key, 2, undefined, "other");
    expect(other.runId).toBe(lost.runId);
    expect(await client.runs.retrieve("dev", lost.runId)).toMatchObject({
      trigger: { queue: "task/resize", payload: { data: "2" } },
    });
    expect(await client.runs.publishTrigger("dev", lost.runId, planned.data)).toBeUndefined();
    expect(await trigger(client, key)).toEqual({ ...other, isCached: true, isNew: false });
  });
});

test("a plan without keys is claimed without a word to the broker", async () => {
  const planned = await client.runs.plan("dev", "resize", {});
  if (!planned.ok) throw new Error(planned.message);
  const { outMsgs } = client.nc.stats();
  expect(await client.runs.claim("dev", planned)).toEqual({
    runId: planned.runId,
    isNew: true,
    isCached: false,
  });
  expect(client.nc.stats().outMsgs).toBe(outMsgs);
});

test("claiming again under one's own id, as after a lost answer, is one's own run", async () => {
  const planned = await plan(client, newKey());
  const claimed = { runId: planned.runId, isNew: true, isCached: false };
  expect(await client.runs.claim("dev", planned)).toEqual(claimed);
  expect(await client.runs.claim("dev", planned)).toEqual(claimed);
});

test("a record that names no run is replaced", async () => {
  const key = newKey();
  const bucket = await Bucket.open(client.nc, BUCKETS.idempotency, idempotencyRecordSchema);
  await bucket.put(idempotencyKeyOf("dev", { taskId: "resize" }, key), {
    id: "nonsense",
    expiresAt: Date.now() + 60_000,
  });
  expect(await trigger(client, key)).toMatchObject({ isCached: false });
});

test("a key nobody can follow in time is told as an unavailable broker, not as a run", async () => {
  const key = newKey();
  const subject = `$KV.idempotency.${idempotencyKeyOf("dev", { taskId: "resize" }, key)}`;
  client.nc.publish(subject, new Uint8Array([0xc1]));
  const claiming = client.runs.claim("dev", await plan(client, key), 100);
  await expect(claiming).rejects.toThrow(BrokerUnavailableError);
});

describe("another parent that waits for a run", () => {
  const waiter = { parentRunId: newRunId(), waitIndex: 1, childIndex: 2 };

  test("is in the run's state, once", async () => {
    const { runId } = await trigger(client, newKey());
    expect(await client.runs.awaitRun("dev", runId, waiter)).toEqual({ ok: true });
    const before = await platform.messages();
    expect(await client.runs.awaitRun("dev", runId, waiter)).toEqual({ ok: true });
    expect(await platform.messages()).toBe(before);
    expect(await client.runs.retrieve("dev", runId)).toMatchObject({ waiters: [waiter] });
  });

  test("is not asked for twice when it is the one that triggered it", async () => {
    const parent = { runId: waiter.parentRunId, waitIndex: 1, childIndex: 2 };
    const lineage = { parent, rootRunId: parent.runId, depth: 1 };
    const triggered = await client.runs.trigger("dev", "resize", {}, { lineage });
    if (!triggered.ok) throw new Error(triggered.message);
    expect(await client.runs.awaitRun("dev", triggered.runId, waiter)).toEqual({ ok: true });
    expect(await client.runs.retrieve("dev", triggered.runId)).toMatchObject({ waiters: [] });
  });

  test("asks again when the run has ended: a retry numbers its waits from 0 again", async () => {
    const parent = { runId: waiter.parentRunId, waitIndex: 1, childIndex: 2 };
    const lineage = { parent, rootRunId: parent.runId, depth: 1 };
    const triggered = await client.runs.trigger("dev", "resize", {}, { lineage });
    if (!triggered.ok) throw new Error(triggered.message);
    const { runId } = triggered;
    for (const fact of [started(), succeeded()]) await state(client.publisher, runId, fact);
    expect(await client.runs.awaitRun("dev", runId, waiter)).toEqual({ ok: true });
    const events = await client.runs.reader.read("dev", runId);
    expect(events.at(-1)).toMatchObject({ type: "run-awaited", data: waiter });
  });

  test("of a run that is not there is refused, and the run can still be triggered", async () => {
    const runId = newRunId();
    expect(await client.runs.awaitRun("dev", runId, waiter)).toMatchObject({
      code: "RUN_NOT_FOUND",
    });
    expect(await client.runs.trigger("dev", "resize", {}, { runId })).toMatchObject({ runId });
  });
});
