/** Every call of the contract, answered over the broker. */
import {
  CALLS,
  GATEWAY_CALLS,
  LIMITS,
  STORED,
  type CallInput,
  type CallName,
  type CallOutput,
  type JsonObject,
  type TriggerBody,
} from "@millrace/proto";
import { sleep, until } from "@millrace/harness";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PlatformCalls } from "../src/index.ts";
import { newRunId, started, state, succeeded } from "./facts.ts";
import { Platform, type Client } from "./platform.ts";

let platform: Platform;
let client: Client;
let calls: PlatformCalls;

beforeAll(async () => {
  platform = await Platform.start();
  client = await platform.client();
  calls = await client.calls();
});
afterAll(() => platform.stop());

async function value<C extends CallName>(
  name: C,
  input: CallInput<C>,
  by = calls,
): Promise<CallOutput<C>> {
  const answered = await by.call("dev", name, input);
  if (!answered.ok) throw new Error(`${answered.code}: ${answered.message}`);
  return answered.value;
}

async function refusal<C extends CallName>(name: C, input: CallInput<C>): Promise<string> {
  const answered = await calls.call("dev", name, input);
  return answered.ok ? "not refused" : answered.code;
}

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
      const view = await value("runs.reschedule", { runId, delay });
      const ms = delay === "2h" ? 7_200_000 : 600_000;
      expect(view).toMatchObject({ id: runId, status: "DELAYED" });
      expect(Math.abs(Date.parse(view.delayedUntil ?? "") - Date.now() - ms)).toBeLessThan(5000);
    }
    const date = new Date(Date.now() + 86_400_000).toISOString();
    expect(await value("runs.reschedule", { runId, delay: date })).toMatchObject({
      delayedUntil: date,
    });
  });

  test("is not rescheduled when it has left its delay, or the time cannot be", async () => {
    const runId = await trigger();
    expect(await refusal("runs.reschedule", { runId, delay: "1h" })).toBe("RUN_NOT_DELAYED");
    for (const delay of ["soon", "2001-01-01", "0s"])
      expect(await refusal("runs.reschedule", { runId, delay })).toBe("INVALID_OPTION");
    const absent = { runId: newRunId(), delay: "1h" };
    expect(await refusal("runs.reschedule", absent)).toBe("RUN_NOT_FOUND");
  });
});

describe("tags", () => {
  test("are added once each, ten in all", async () => {
    const runId = await trigger({ tags: ["a"] });
    expect(await value("runs.addTags", { runId, tags: ["b", "a", "b"] })).toEqual({
      tags: ["a", "b"],
    });
    const before = await platform.messages();
    expect(await value("runs.addTags", { runId, tags: ["a"] })).toEqual({ tags: ["a", "b"] });
    expect(await platform.messages()).toBe(before);
    const nine = Array.from({ length: 9 }, (_, i) => `t${i}`);
    expect(await refusal("runs.addTags", { runId, tags: nine })).toBe("TOO_MANY_TAGS");
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
    expect(await refusal("runs.addTags", { runId, tags: ["x".repeat(129)] })).toBe(
      "INVALID_OPTION",
    );
    expect(await refusal("runs.addTags", { runId: newRunId(), tags: ["a"] })).toBe("RUN_NOT_FOUND");
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
    expect(await value("metadata.update", { runId, operations }, agent)).toEqual({
      metadata: { n: 3, log: ["x"] },
    });
    expect(await value("metadata.update", { runId, operations })).toEqual({
      metadata: { n: 5, log: ["x", "x"] },
    });
    expect(await value("metadata.retrieve", { runId }, agent)).toEqual({
      metadata: { n: 5, log: ["x", "x"] },
    });
    expect(await platform.messages("RUNS", `run.dev.*.${runId}.meta`)).toBe(1);
  });

  test("updated by many at once misses nothing", async () => {
    const runId = await trigger();
    const operations = [{ type: "increment" as const, key: "n", value: 1 }];
    await Promise.all(
      Array.from({ length: 20 }, () => value("metadata.update", { runId, operations })),
    );
    expect(await value("metadata.retrieve", { runId })).toEqual({ metadata: { n: 20 } });
  });

  test("of the parent and the root is changed from a child", async () => {
    const root = await trigger();
    const parent = await trigger();
    const lineage = { parent: { runId: parent }, rootRunId: root, depth: 2 };
    const runId = await trigger({}, lineage);
    const set = (key: string) => [{ type: "set" as const, key, value: 1 }];
    await value("metadata.update", {
      runId,
      operations: set("own"),
      parentOperations: set("parent"),
      rootOperations: set("root"),
    });
    const of = async (id: string): Promise<JsonObject> =>
      (await value("metadata.retrieve", { runId: id })).metadata;
    expect([await of(runId), await of(parent), await of(root)]).toEqual([
      { own: 1 },
      { parent: 1 },
      { root: 1 },
    ]);
  });

  test("of the parent and the root is a run's own when it has neither", async () => {
    const runId = await trigger();
    const set = (key: string) => [{ type: "set" as const, key, value: 1 }];
    const updated = await value("metadata.update", {
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
      await refusal("metadata.update", {
        runId,
        operations: [{ type: "set", key: "a", value: 1 }],
        parentOperations: [{ type: "set", key: "a", value: big }],
      }),
    ).toBe("METADATA_TOO_LARGE");
    expect(await platform.messages()).toBe(before);
    expect(await refusal("metadata.retrieve", { runId: newRunId() })).toBe("RUN_NOT_FOUND");
    expect(await refusal("metadata.update", { runId: "nonsense" })).toBe("RUN_NOT_FOUND");
  });
});

describe("a token", () => {
  const data = { data: '{"ok":true}', type: "application/json" };

  test("waits until it is completed, once and for ever", async () => {
    const { id, isCached } = await value("tokens.create", { tags: ["t"] });
    expect(id).toMatch(/^waitpoint_[0-9a-z]{26}$/);
    expect(isCached).toBe(false);
    expect(await value("tokens.retrieve", { id })).toMatchObject({
      status: "WAITING",
      tags: ["t"],
    });
    expect(await value("tokens.complete", { id, data })).toEqual({ success: true });
    const second = { data: '"second"', type: "application/json" };
    expect(await value("tokens.complete", { id, data: second })).toEqual({ success: true });
    expect(await value("tokens.retrieve", { id })).toMatchObject({
      status: "COMPLETED",
      output: data.data,
      outputType: data.type,
      outputIsError: false,
    });
  });

  test("completed by many at once has the output of one of them, for ever", async () => {
    const { id } = await value("tokens.create", {});
    await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        value("tokens.complete", { id, data: { data: String(n), type: "application/json" } }),
      ),
    );
    const first = await value("tokens.retrieve", { id });
    await value("tokens.complete", { id, data });
    expect(await value("tokens.retrieve", { id })).toEqual(first);
    expect(Number(first.output)).toBeLessThan(10);
  });

  test("times out, and is not completed any more", async () => {
    const { id } = await value("tokens.create", { timeout: "1s" });
    await sleep(1050);
    expect(await value("tokens.complete", { id, data })).toEqual({ success: true });
    const view = await value("tokens.retrieve", { id });
    expect(view).toMatchObject({ status: "TIMED_OUT", outputIsError: true });
    expect(JSON.parse(view.output ?? "")).toMatchObject({ code: "TRIGGER_WAITPOINT_TIMEOUT" });
  });

  test("with an idempotency key is one token, found by it, until the key's time is over", async () => {
    const idempotencyKey = "approval 1";
    const input = { idempotencyKey, idempotencyKeyTTL: "2s" };
    const made = await Promise.all(Array.from({ length: 5 }, () => value("tokens.create", input)));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    expect(made.filter(({ isCached }) => !isCached)).toHaveLength(1);
    const [{ id } = { id: "" }] = made;
    expect(await value("tokens.retrieve", { id: idempotencyKey })).toMatchObject({
      id,
      idempotencyKey,
    });
    await value("tokens.complete", { id: idempotencyKey, data });
    expect(await value("tokens.retrieve", { id })).toMatchObject({ status: "COMPLETED" });
    await until("the key is free", async () => (await value("tokens.create", input)).id !== id);
  });

  test("completed with much keeps it in the object store", async () => {
    const { id } = await value("tokens.create", {});
    const large = JSON.stringify("x".repeat(LIMITS.inlineBytes));
    await value("tokens.complete", { id, data: { data: large, type: "application/json" } });
    const view = await value("tokens.retrieve", { id });
    expect(view.outputType).toBe(STORED);
    expect(await value("packets.load", { path: view.output ?? "" })).toEqual({
      data: large,
      type: "application/json",
    });
  });

  test("of another environment is not there, nor one with a name that cannot be", async () => {
    const { id } = await value("tokens.create", {});
    expect(await calls.call("prod", "tokens.retrieve", { id })).toMatchObject({
      code: "TOKEN_NOT_FOUND",
    });
    for (const each of ["", "nonsense", "waitpoint_x", "é".repeat(5000)]) {
      expect(await refusal("tokens.retrieve", { id: each })).toBe("TOKEN_NOT_FOUND");
      expect(await refusal("tokens.complete", { id: each, data })).toBe("TOKEN_NOT_FOUND");
    }
  });

  test.each([
    [{ timeout: "soon" }],
    [{ idempotencyKey: "k", idempotencyKeyTTL: "1w" }],
    [{ tags: Array.from({ length: 11 }, (_, i) => String(i)) }],
  ])("with %j is not made", async (input) => {
    expect(await refusal("tokens.create", input)).toBe("INVALID_OPTION");
  });
});

describe("the list of tokens", () => {
  const ids: string[] = [];
  beforeAll(async () => {
    for (let i = 0; i < 7; i++) {
      const tags = i % 2 === 0 ? ["even", "list"] : ["odd", "list"];
      ids.unshift((await value("tokens.create", { tags })).id);
      await sleep(2);
    }
    const data = { type: "application/json" };
    await value("tokens.complete", { id: ids[0] ?? "", data });
  });

  async function list(filter: CallInput<"tokens.list">) {
    const { data, pagination } = await value("tokens.list", { tags: ["list"], ...filter });
    return { ids: data.map(({ id }) => id), ...pagination };
  }

  test("is in pages, newest first, to and fro", async () => {
    const first = await list({ limit: 3 });
    expect(first).toEqual({ ids: ids.slice(0, 3), next: ids[2] });
    const second = await list({ limit: 3, after: ids[2] });
    expect(second).toEqual({ ids: ids.slice(3, 6), next: ids[5], previous: ids[3] });
    const third = await list({ limit: 3, after: ids[5] });
    expect(third).toEqual({ ids: ids.slice(6), previous: ids[6] });
    expect(await list({ limit: 3, before: ids[6] })).toEqual({
      ids: ids.slice(3, 6),
      next: ids[5],
      previous: ids[3],
    });
    expect(await list({ limit: 3, before: ids[3] })).toEqual({
      ids: ids.slice(0, 3),
      next: ids[2],
    });
  });

  test("is narrowed by status, tags, key and time", async () => {
    expect((await list({ status: ["COMPLETED"] })).ids).toEqual(ids.slice(0, 1));
    expect((await list({ tags: ["odd"] })).ids).toHaveLength(3);
    expect((await list({ tags: ["odd", "even"] })).ids).toHaveLength(7);
    expect((await list({ idempotencyKey: "none" })).ids).toEqual([]);
    expect((await list({ to: 1000 })).ids).toEqual([]);
    expect((await list({ period: "1h" })).ids).toHaveLength(7);
    expect(await refusal("tokens.list", { period: "long" })).toBe("INVALID_OPTION");
  });
});

test("a wait's key stands for the time it was first asked with", async () => {
  const first = Date.now() + 60_000;
  const input = { key: "a wait", ttl: "1s" };
  expect(await value("waits.until", { ...input, until: first })).toEqual({ until: first });
  expect(await value("waits.until", { ...input, until: first + 1 })).toEqual({ until: first });
  await until("the key is free", async () => {
    const later = await value("waits.until", { ...input, until: first + 2 });
    return later.until === first + 2;
  });
  // A token's key is another one.
  expect(await value("tokens.create", { idempotencyKey: "a wait" })).toMatchObject({
    isCached: false,
  });
});

describe("queues", () => {
  const reference = { type: "custom" as const, name: "mail/out" };
  beforeAll(async () => {
    for (const name of ["mail/out", "b", "a"])
      await platform.declare({ name, type: "custom", concurrencyLimit: name === "b" ? 2 : null });
    await until("they are known", () => client.catalog.queues("dev").length === 4);
  });

  test("are listed by name, in pages", async () => {
    const names = async (input: CallInput<"queues.list">) => {
      const { data, pagination } = await value("queues.list", input);
      return { names: data.map(({ name }) => name), ...pagination };
    };
    expect(await names({ perPage: 3 })).toEqual({
      names: ["a", "b", "mail/out"],
      currentPage: 1,
      totalPages: 2,
      count: 4,
    });
    expect(await names({ perPage: 3, page: 2 })).toMatchObject({ names: ["task/resize"] });
  });

  test("are found by task, by name and by id", async () => {
    const found = await value("queues.retrieve", { queue: reference });
    expect(found).toEqual({
      id: "queue_mail=002fout",
      name: "mail/out",
      type: "custom",
      running: 0,
      queued: 0,
      paused: false,
      concurrencyLimit: null,
      concurrency: {
        current: null,
        base: null,
        override: null,
        overriddenAt: null,
        overriddenBy: null,
      },
    });
    expect(await value("queues.retrieve", { queue: { type: "id", name: found.id } })).toEqual(
      found,
    );
    expect(
      await value("queues.retrieve", { queue: { type: "task", name: "resize" } }),
    ).toMatchObject({ name: "task/resize", type: "task" });
    for (const name of ["none", "queue_none", "queue_", "é".repeat(5000)])
      for (const type of ["id", "task", "custom"] as const)
        expect(await refusal("queues.retrieve", { queue: { type, name } })).toBe("QUEUE_NOT_FOUND");
  });

  test("are paused, overridden and reset; what was declared stays", async () => {
    const queue = { type: "custom" as const, name: "b" };
    expect(await value("queues.pause", { queue, action: "pause" })).toMatchObject({ paused: true });
    expect((await value("queues.list", {})).data.find(({ name }) => name === "b")).toMatchObject({
      paused: true,
    });
    const overridden = await value("queues.override", { queue, concurrencyLimit: 9 });
    expect(overridden).toMatchObject({
      paused: true,
      concurrencyLimit: 9,
      concurrency: { current: 9, base: 2, override: 9 },
    });
    expect(overridden.concurrency.overriddenAt).not.toBeNull();
    await value("queues.pause", { queue, action: "resume" });
    expect(await value("queues.reset", { queue })).toMatchObject({
      paused: false,
      concurrencyLimit: 2,
      concurrency: { override: null, overriddenAt: null },
    });
    expect(await client.catalog.queue("dev", "b")).toEqual({
      name: "b",
      type: "custom",
      concurrencyLimit: 2,
    });
    const none = { type: "custom" as const, name: "none" };
    expect(await refusal("queues.pause", { queue: none, action: "pause" })).toBe("QUEUE_NOT_FOUND");
  });

  test("show what a projection counts, where there is one", async () => {
    const counting = await client.calls({
      counts: (env, queue) => ({ running: env.length, queued: queue.length }),
    });
    expect(await value("queues.retrieve", { queue: reference }, counting)).toMatchObject({
      running: 3,
      queued: 8,
    });
  });
});

describe("a batch", () => {
  test("is what was written last", async () => {
    const record = { id: "batch_1", createdAt: 1000, updatedAt: 1000, runCount: 2, errors: [] };
    await calls.writeBatch("dev", { ...record, createdAt: Date.now(), runIds: null });
    expect(await value("batches.retrieve", { id: "batch_1" })).toMatchObject({
      status: "PENDING",
      runs: [],
    });
    await calls.writeBatch("dev", { ...record, updatedAt: 2000, runIds: ["run_a", "run_b"] });
    expect(await value("batches.retrieve", { id: "batch_1" })).toEqual({
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
    expect(await value("batches.retrieve", { id: "b2" })).toMatchObject({
      status: "PARTIAL_FAILED",
      processing: { errors: [error] },
    });
    await calls.writeBatch("dev", { ...record, id: "b3", runIds: null, errors: [] });
    expect(await value("batches.retrieve", { id: "b3" })).toMatchObject({ status: "ABORTED" });
    for (const id of ["", "none", "é".repeat(5000)])
      expect(await refusal("batches.retrieve", { id })).toBe("BATCH_NOT_FOUND");
  });
});

describe("a packet", () => {
  test("is loaded from where it was stored", async () => {
    const packet = { data: "x".repeat(300_000), type: "text/plain" };
    const { path } = await value("packets.store", packet);
    expect(await value("packets.load", { path })).toEqual(packet);
    for (const each of ["", "none", "é".repeat(5000)])
      expect(await refusal("packets.load", { path: each })).toBe("OBJECT_NOT_FOUND");
  });

  test("over the limit is refused", async () => {
    const packet = { data: "x".repeat(LIMITS.storedBytes + 1), type: "text/plain" };
    expect(await refusal("packets.store", packet)).toBe("PAYLOAD_TOO_LARGE");
  });
});

test("a replay by call is a run of its own", async () => {
  const runId = await trigger();
  const { id } = await value("runs.replay", { runId });
  expect(await client.runs.retrieve("dev", id)).toMatchObject({ trigger: { replayOf: runId } });
});

describe("a stream", () => {
  test("is not written to when its run has ended or is not there", async () => {
    const runId = await trigger();
    await finish(runId);
    expect(await refusal("streams.append", { runId, key: "k", chunks: ["1"] })).toBe(
      "RUN_FINISHED",
    );
    const absent = { runId: newRunId(), key: "k", chunks: ["1"] };
    expect(await refusal("streams.append", absent)).toBe("RUN_NOT_FOUND");
  });

  test("takes all chunks of a call or, when one is too large, none", async () => {
    const runId = await trigger();
    const large = "x".repeat(LIMITS.streamChunkBytes + 1);
    const input = { runId, key: "k", chunks: ["1", large] };
    expect(await refusal("streams.append", input)).toBe("PAYLOAD_TOO_LARGE");
    expect(await platform.messages("OUTPUT", `out.dev.${runId}.*`)).toBe(0);
  });
});
