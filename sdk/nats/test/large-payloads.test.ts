/** Payloads too large for an event, queues a trigger brings along, and runs that repeat others. */
import { LIMITS, STORED } from "@millrace/proto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Objects, BrokerUnavailableError } from "../src/index.ts";
import { newRunId } from "./facts.ts";
import { Platform, type Client } from "./platform.ts";

let platform: Platform;
let client: Client;
let objects: Objects;

beforeAll(async () => {
  platform = await Platform.start();
  client = await platform.client();
  objects = await Objects.open(client.nc);
});
afterAll(() => platform.stop());

/** JSON text of exactly this many bytes. */
function text(bytes: number, char = "x"): string {
  return JSON.stringify(char.repeat((bytes - 2) / Buffer.byteLength(char)));
}

function stored(payload: string, type = "application/json") {
  return { payload, options: { payloadType: type } };
}

async function plan(body: Parameters<Client["runs"]["plan"]>[2]) {
  return await client.runs.plan("dev", "resize", body);
}

describe("an object", () => {
  test.each([
    ["nothing", ""],
    ["text of several chunks, beyond ASCII", "ß€😀".repeat(50_000)],
  ])("of %s is what was put there, with its type", async (_what, data) => {
    await objects.put("dev", "a/b c.json", data, "application/super+json");
    expect(await objects.get("dev", "a/b c.json")).toEqual({
      data,
      type: "application/super+json",
    });
  });

  test("put again is replaced", async () => {
    await objects.put("dev", "again", "1", "text/plain");
    await objects.put("dev", "again", "2", "application/json");
    expect(await objects.get("dev", "again")).toEqual({ data: "2", type: "application/json" });
  });

  test("is not there for other environments, nor elsewhere", async () => {
    await objects.put("dev", "mine", "1", "text/plain");
    expect(await objects.get("prod", "mine")).toBeUndefined();
    expect(await objects.get("dev", "other")).toBeUndefined();
  });

  test("behind a broken connection is not an absent one", async () => {
    const nc = await platform.broker.connect();
    const far = await Objects.open(nc);
    await nc.close();
    await expect(far.get("dev", "mine")).rejects.toThrow(BrokerUnavailableError);
  });
});

describe("a payload", () => {
  test("as large as an event may hold stays in it", async () => {
    const data = text(LIMITS.inlineBytes);
    expect(await plan(stored(data))).toMatchObject({
      data: { payload: { data, type: "application/json" } },
    });
  });

  test.each([
    ["larger than that", text(LIMITS.inlineBytes + 1)],
    ["of few characters that take many bytes", text(LIMITS.inlineBytes + 2 + 4, "€€")],
  ])("%s is stored, and the event names its place", async (_what, data) => {
    const planned = await plan(stored(data, "application/super+json"));
    if (!planned.ok) throw new Error(planned.message);
    const { payload } = planned.data;
    expect(payload.type).toBe(STORED);
    expect(payload.data).toMatch(/^trigger\/packet_[0-9a-f]{32}\/payload\.json$/);
    expect(await objects.get("dev", payload.data ?? "")).toEqual({
      data,
      type: "application/super+json",
    });
  });

  test("over the limit of all is refused, and nothing is stored", async () => {
    const before = await platform.messages("OBJ_payloads");
    expect(await plan(stored(text(LIMITS.storedBytes + 1)))).toMatchObject({
      ok: false,
      code: "PAYLOAD_TOO_LARGE",
    });
    expect(await platform.messages("OBJ_payloads")).toBe(before);
  });

  test("of a trigger that is refused is not stored", async () => {
    const before = await platform.messages("OBJ_payloads");
    const body = { payload: text(LIMITS.inlineBytes * 2), options: { delay: "soon" } };
    expect(await plan(body)).toMatchObject({ code: "INVALID_OPTION" });
    expect(await platform.messages("OBJ_payloads")).toBe(before);
  });

  test("of an ordinary size is planned without a word to the broker", async () => {
    const { outMsgs } = client.nc.stats();
    expect(await plan(stored(text(30_000)))).toMatchObject({ ok: true });
    expect(client.nc.stats().outMsgs).toBe(outMsgs);
  });
});

describe("a queue nobody has declared", () => {
  test("is made by a trigger that brings its limit, once", async () => {
    const bring = (concurrencyLimit: number) => ({
      options: { queue: { name: "brought", concurrencyLimit } },
    });
    expect(await plan(bring(3))).toMatchObject({ data: { queue: "brought" } });
    const other = await platform.client();
    expect(await other.runs.plan("dev", "resize", bring(5))).toMatchObject({ ok: true });
    expect(await other.catalog.queue("dev", "brought")).toEqual({
      name: "brought",
      type: "custom",
      concurrencyLimit: 3,
    });
  });

  test.each([
    ["without a limit", { queue: { name: "nobodys" } }, "QUEUE_NOT_FOUND"],
    [
      "with a limit of null",
      { queue: { name: "nobodys", concurrencyLimit: null } },
      "QUEUE_NOT_FOUND",
    ],
    [
      "by a trigger that is refused",
      { queue: { name: "nobodys", concurrencyLimit: 1 }, delay: "soon" },
      "INVALID_OPTION",
    ],
  ])("is not made %s", async (_how, options, code) => {
    expect(await plan({ options })).toMatchObject({ ok: false, code });
    expect(await client.catalog.queue("dev", "nobodys")).toBeUndefined();
  });

  test("is not made for a task nobody knows", async () => {
    const body = { options: { queue: { name: "nobodys", concurrencyLimit: 1 } } };
    expect(await client.runs.plan("dev", "unknown", body)).toMatchObject({
      code: "TASK_NOT_FOUND",
    });
    expect(await client.catalog.queue("dev", "nobodys")).toBeUndefined();
  });
});

describe("a replay", () => {
  test("repeats the trigger without its keys, its delay and its parent", async () => {
    await platform.declare({ name: "q", type: "custom", concurrencyLimit: null });
    const lineage = { parent: { runId: newRunId() }, rootRunId: newRunId(), depth: 2 };
    const triggered = await client.runs.trigger(
      "dev",
      "resize",
      {
        payload: { n: 7 },
        options: {
          queue: { name: "q" },
          delay: "1h",
          ttl: "2h",
          priority: 3,
          tags: ["a"],
          metadata: { m: 1 },
          machine: "micro",
          maxAttempts: 4,
          maxDuration: 30,
          concurrencyKey: "c",
          idempotencyKey: "replayed",
          lockToVersion: "1",
          test: true,
        },
      },
      { lineage },
    );
    if (!triggered.ok) throw new Error(triggered.message);
    const replayed = await client.runs.replay("dev", triggered.runId);
    if (!replayed.ok) throw new Error(replayed.message);
    const run = await client.runs.retrieve("dev", replayed.runId);
    expect(run?.status).toBe("queued");
    expect(run?.trigger).toEqual({
      at: expect.any(Number) as number,
      env: "dev",
      taskId: "resize",
      queue: "q",
      payload: { data: '{"n":7}', type: "application/json" },
      metadata: { data: '{"m":1}', type: "application/json" },
      tags: ["a"],
      machine: "micro",
      isolation: "process",
      pool: "default",
      priorityMs: 3000,
      ttlMs: 7_200_000,
      maxAttempts: 4,
      maxDurationSec: 30,
      concurrencyKey: "c",
      depth: 0,
      isTest: true,
      replayOf: triggered.runId,
    });
  });

  test("may have another payload, and go elsewhere", async () => {
    const triggered = await client.runs.trigger("dev", "resize", { payload: 1 });
    if (!triggered.ok) throw new Error(triggered.message);
    const data = text(LIMITS.inlineBytes * 2);
    const changes = { payload: { data, type: "application/json" }, region: "eu" };
    const replayed = await client.runs.replay("dev", triggered.runId, changes);
    if (!replayed.ok) throw new Error(replayed.message);
    const run = await client.runs.retrieve("dev", replayed.runId);
    expect(run?.trigger).toMatchObject({ pool: "eu", payload: { type: STORED } });
    expect(await objects.get("dev", run?.trigger.payload.data ?? "")).toMatchObject({ data });
  });

  test("into a region that cannot be is refused", async () => {
    const triggered = await client.runs.trigger("dev", "resize", {});
    if (!triggered.ok) throw new Error(triggered.message);
    expect(await client.runs.replay("dev", triggered.runId, { region: "eu@1" })).toMatchObject({
      code: "INVALID_OPTION",
    });
  });

  test("of a run that is not there is refused", async () => {
    expect(await client.runs.replay("dev", newRunId())).toMatchObject({ code: "RUN_NOT_FOUND" });
  });
});
