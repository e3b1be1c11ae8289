/** Every call of the contract, answered over the broker. */
import {
  CALLS,
  GATEWAY_CALLS,
  LIMITS,
  type CallName,
  type JsonObject,
  type TriggerBody,
} from "@millrace/proto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PlatformCalls } from "../src/index.ts";
import { newRunId, started, state, succeeded } from "./facts.ts";
import { Platform, refusal, value, type Client } from "./platform.ts";

let platform: Platform;
let client: Client;
let calls: PlatformCalls;

beforeAll(async () => {
  platform = await Platform.start();
  client = await platform.client();
  calls = await client.calls();
});
afterAll(() => platform.stop());

async function trigger(options: TriggerBody["options"] = {}, lineage?: object): Promise<string> {
  const extras = lineage ? { lineage: lineage as never } : {};
  const triggered = await client.runs.trigger("dev", "resize", { payload: 1, options }, extras);
  if (!triggered.ok) throw new Error(triggered.message);
  return triggered.runId;
}

async function finish(runId: string): Promise<void> {
  await state(client.publisher, runId, started());
  await state(client.publisher, runId, succeeded());
}

test("the calls that need a gateway are refused as such, and only they", async () => {
  const refused: string[] = [];
  for (const name of Object.keys(CALLS) as CallName[]) {
    const answered = await calls.call("dev", name, {} as never).catch(() => ({ ok: true }));
    if ("code" in answered && answered.code === "NEEDS_GATEWAY") refused.push(name);
  }
  expect(refused.toSorted()).toEqual([...GATEWAY_CALLS].toSorted());
});

describe("a delayed run", () => {
  test("is rescheduled to a later or an earlier time", async () => {
    const runId = await trigger({ delay: "1h" });
    for (const delay of ["2h", "10m"]) {
      const view = await value(calls, "runs.reschedule", { runId, delay });
      const ms = delay === "2h" ? 7_200_000 : 600_000;
      expect(view).toMatchObject({ id: runId, status: "DELAYED" });
      expect(Math.abs(Date.parse(view.delayedUntil ?? "") - Date.now() - ms)).toBeLessThan(5000);
    }
    const date = new Date(Date.now() + 86_400_000).toISOString();
    expect(await value(calls, "runs.reschedule", { runId, delay: date })).toMatchObject({
      delayedUntil: date,
    });
  });

  test("is not rescheduled when it has left its delay, or the time cannot be", async () => {
    const runId = await trigger();
    expect(await refusal(calls, "runs.reschedule", { runId, delay: "1h" })).toBe("RUN_NOT_DELAYED");
    for (const delay of ["soon", "2001-01-01", "0s"])
      expect(await refusal(calls, "runs.reschedule", { runId, delay })).toBe("INVALID_OPTION");
    const absent = { runId: newRunId(), delay: "1h" };
    expect(await refusal(calls, "runs.reschedule", absent)).toBe("RUN_NOT_FOUND");
  });
});

describe("tags", () => {
  test("are added once each, ten in all", async () => {
    const runId = await trigger({ tags: ["a"] });
    expect(await value(calls, "runs.addTags", { runId, tags: ["b", "a", "b"] })).toEqual({
      tags: ["a", "b"],
    });
    const before = await platform.messages();
    expect(await value(calls, "runs.addTags", { runId, tags: ["a"] })).toEqual({
      tags: ["a", "b"],
    });
    expect(await platform.messages()).toBe(before);
    const nine = Array.from({ length: 9 }, (_, i) => `t${i}`);
    expect(await refusal(calls, "runs.addTags", { runId, tags: nine })).toBe("TOO_MANY_TAGS");
    expect((await client.runs.retrieve("dev", runId))?.tags).toEqual(["a", "b"]);
  });

  test("added by many at once are never more than ten", async () => {
    const runId = await trigger();
    const added = await Promise.all(
      Array.from({ length: 15 }, (_, i) =>
        calls.call("dev", "runs.addTags", { runId, tags: [`t${i}`] }),
      ),
    );
    expect(added.filter(({ ok }) => ok)).toHaveLength(LIMITS.tags);
    expect((await client.runs.retrieve("dev", runId))?.tags).toHaveLength(LIMITS.tags);
  });

  test("that cannot be, or of no run, are refused", async () => {
    const runId = await trigger();
    expect(await refusal(calls, "runs.addTags", { runId, tags: ["x".repeat(129)] })).toBe(
      "INVALID_OPTION",
    );
    expect(await refusal(calls, "runs.addTags", { runId: newRunId(), tags: ["a"] })).toBe(
      "RUN_NOT_FOUND",
    );
  });
});

describe("metadata", () => {
  test("is what all operations make of it, whoever wrote them", async () => {
    const runId = await trigger({ metadata: { n: 1 } });
    const agent = await client.calls({ role: "meta" });
    const operations = [
      { type: "increment" as const, key: "n", value: 2 },
      { type: "append" as const, key: "log", value: "x" },
    ];
    expect(await value(agent, "metadata.update", { runId, operations })).toEqual({
      metadata: { n: 3, log: ["x"] },
    });
    expect(await value(calls, "metadata.update", { runId, operations })).toEqual({
      metadata: { n: 5, log: ["x", "x"] },
    });
    expect(await value(agent, "metadata.retrieve", { runId })).toEqual({
      metadata: { n: 5, log: ["x", "x"] },
    });
    expect(await platform.messages("RUNS", `run.dev.*.${runId}.meta`)).toBe(1);
  });

  test("updated by many at once misses nothing", async () => {
    const runId = await trigger();
    const operations = [{ type: "increment" as const, key: "n", value: 1 }];
    await Promise.all(
      Array.from({ length: 20 }, () => value(calls, "metadata.update", { runId, operations })),
    );
    expect(await value(calls, "metadata.retrieve", { runId })).toEqual({ metadata: { n: 20 } });
  });

  test("of the parent and the root is changed from a child", async () => {
    const root = await trigger();
    const parent = await trigger();
    const lineage = { parent: { runId: parent }, rootRunId: root, depth: 2 };
    const runId = await trigger({}, lineage);
    const set = (key: string) => [{ type: "set" as const, key, value: 1 }];
    await value(calls, "metadata.update", {
      runId,
      operations: set("own"),
      parentOperations: set("parent"),
      rootOperations: set("root"),
    });
    const of = async (id: string): Promise<JsonObject> =>
      (await value(calls, "metadata.retrieve", { runId: id })).metadata;
    expect([await of(runId), await of(parent), await of(root)]).toEqual([
      { own: 1 },
      { parent: 1 },
      { root: 1 },
    ]);
  });

  test("of the parent and the root is a run's own when it has neither", async () => {
    const runId = await trigger();
    const set = (key: string) => [{ type: "set" as const, key, value: 1 }];
    const updated = await value(calls, "metadata.update", {
      runId,
      parentOperations: set("parent"),
      rootOperations: set("root"),
    });
    expect(updated).toEqual({ metadata: { parent: 1, root: 1 } });
    expect(await platform.messages("RUNS", `run.dev.*.${runId}.*`)).toBe(2);
  });

  test("over the limit is refused, and nothing of the update is written", async () => {
    const parent = await trigger();
    const runId = await trigger({}, { parent: { runId: parent }, rootRunId: parent, depth: 1 });
    const before = await platform.messages();
    const big = "x".repeat(LIMITS.metadataLength);
    expect(
      await refusal(calls, "metadata.update", {
        runId,
        operations: [{ type: "set", key: "a", value: 1 }],
        parentOperations: [{ type: "set", key: "a", value: big }],
      }),
    ).toBe("METADATA_TOO_LARGE");
    expect(await platform.messages()).toBe(before);
    expect(await refusal(calls, "metadata.retrieve", { runId: newRunId() })).toBe("RUN_NOT_FOUND");
    expect(await refusal(calls, "metadata.update", { runId: "nonsense" })).toBe("RUN_NOT_FOUND");
  });
});

describe("a batch", () => {
  test("is what was written last", async () => {
    const record = { id: "batch_1", createdAt: 1000, updatedAt: 1000, runCount: 2, errors: [] };
    await calls.writeBatch("dev", { ...record, createdAt: Date.now(), runIds: null });
    expect(await value(calls, "batches.retrieve", { id: "batch_1" })).toMatchObject({
      status: "PENDING",
      runs: [],
    });
    await calls.writeBatch("dev", { ...record, updatedAt: 2000, runIds: ["run_a", "run_b"] });
    expect(await value(calls, "batches.retrieve", { id: "batch_1" })).toEqual({
      id: "batch_1",
      status: "COMPLETED",
      createdAt: "1970-01-01T00:00:01.000Z",
      updatedAt: "1970-01-01T00:00:02.000Z",
      runCount: 2,
      runs: ["run_a", "run_b"],
      processing: { completedAt: "1970-01-01T00:00:02.000Z", errors: [] },
    });
  });

  test("some of whose items were refused, or never came, says so", async () => {
    const record = { createdAt: 1000, updatedAt: 1000, runCount: 2 };
    const error = { index: 1, taskIdentifier: "t", error: "no" };
    await calls.writeBatch("dev", { ...record, id: "b2", runIds: ["r"], errors: [error] });
    expect(await value(calls, "batches.retrieve", { id: "b2" })).toMatchObject({
      status: "PARTIAL_FAILED",
      processing: { errors: [error] },
    });
    await calls.writeBatch("dev", { ...record, id: "b3", runIds: null, errors: [] });
    expect(await value(calls, "batches.retrieve", { id: "b3" })).toMatchObject({
      status: "ABORTED",
    });
    for (const id of ["", "none", "é".repeat(5000)])
      expect(await refusal(calls, "batches.retrieve", { id })).toBe("BATCH_NOT_FOUND");
  });
});

describe("a packet", () => {
  test("is loaded from where it was stored", async () => {
    const packet = { data: "x".repeat(300_000), type: "text/plain" };
    const { path } = await value(calls, "packets.store", packet);
    expect(await value(calls, "packets.load", { path })).toEqual(packet);
    for (const each of ["", "none", "é".repeat(5000)])
      expect(await refusal(calls, "packets.load", { path: each })).toBe("OBJECT_NOT_FOUND");
  });

  test("over the limit is refused", async () => {
    const packet = { data: "x".repeat(LIMITS.storedBytes + 1), type: "text/plain" };
    expect(await refusal(calls, "packets.store", packet)).toBe("PAYLOAD_TOO_LARGE");
  });
});

test("a replay by call is a run of its own", async () => {
  const runId = await trigger();
  const { id } = await value(calls, "runs.replay", { runId });
  expect(await client.runs.retrieve("dev", id)).toMatchObject({ trigger: { replayOf: runId } });
});

describe("a stream", () => {
  test("is not written to when its run has ended or is not there", async () => {
    const runId = await trigger();
    await finish(runId);
    expect(await refusal(calls, "streams.append", { runId, key: "k", chunks: ["1"] })).toBe(
      "RUN_FINISHED",
    );
    const absent = { runId: newRunId(), key: "k", chunks: ["1"] };
    expect(await refusal(calls, "streams.append", absent)).toBe("RUN_NOT_FOUND");
  });

  test("takes all chunks of a call or, when one is too large, none", async () => {
    const runId = await trigger();
    const large = "x".repeat(LIMITS.streamChunkBytes + 1);
    const input = { runId, key: "k", chunks: ["1", large] };
    expect(await refusal(calls, "streams.append", input)).toBe("PAYLOAD_TOO_LARGE");
    expect(await platform.messages("OUTPUT", `out.dev.${runId}.*`)).toBe(0);
  });
});
