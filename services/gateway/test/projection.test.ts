import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeEvent, makeRunId, runSubject, type CallInput, type RunItem } from "@millrace/proto";
import type { Projection } from "../src/projection/projection.ts";
import { startLog, triggerData, type TestLog } from "./log.ts";

let log: TestLog;

beforeAll(async () => {
  log = await startLog();
});
afterAll(async () => {
  await log.stop();
});

async function list(
  projection: Projection,
  env: string,
  input: Omit<CallInput<"runs.list">, "filter"> & {
    filter?: CallInput<"runs.list">["filter"];
  } = {},
) {
  expect(await projection.upToDate()).toBeUndefined();
  const answer = projection.listRuns(env, { filter: {}, ...input });
  if (!answer.ok) throw new Error(answer.message);
  return answer.value;
}

const ids = (runs: readonly RunItem[]): string[] => runs.map(({ id }) => id);

/** Every run of an environment, as the list shows it. */
async function everything(projection: Projection, env: string): Promise<readonly RunItem[]> {
  const { data } = await list(projection, env, { limit: 100 });
  return data;
}

describe("a projection", () => {
  it("shows a run as soon as its trigger is acknowledged, and each change after it", async () => {
    const projection = await log.open();
    const runId = await log.trigger("fresh", {
      tags: ["a"],
      payload: { data: '"x"', type: "application/json" },
    });
    expect((await everything(projection, "fresh"))[0]).toMatchObject({
      id: runId,
      status: "QUEUED",
      tags: ["a"],
    });
    await log.start("fresh", runId);
    expect((await everything(projection, "fresh"))[0]?.status).toBe("EXECUTING");
    await log.succeed("fresh", runId);
    const [run] = await everything(projection, "fresh");
    expect(run).toMatchObject({ status: "COMPLETED", isSuccess: true, durationMs: 5 });
    expect(run).not.toHaveProperty("payload");
    expect(run).not.toHaveProperty("output");
    expect(projection.live("fresh", runId)).toBeUndefined();
  });

  it("shows a tag and metadata that came after the run had ended", async () => {
    const projection = await log.open();
    const runId = await log.trigger("late");
    await log.start("late", runId);
    await log.succeed("late", runId);
    await everything(projection, "late");
    await log.state("late", runId, "client", "tags-added", { at: Date.now(), tags: ["after"] });
    await log.state("late", runId, "meta", "metadata-updated", {
      at: Date.now(),
      operations: [{ type: "set", key: "k", value: 1 }],
    });
    await expect
      .poll(async () => (await list(projection, "late", { filter: { tag: ["after"] } })).data)
      .toMatchObject([{ id: runId, status: "COMPLETED", tags: ["after"], metadata: { k: 1 } }]);
  });

  it("built from the log anew has the same rows as the one that lived through it", async () => {
    const living = await log.open();
    await everything(living, "again");
    await randomHistory("again", 40);
    const expected = await everything(living, "again");
    await expect.poll(() => everything(living, "again")).toHaveLength(40);
    const rebuilt = await log.open();
    await expect.poll(() => everything(rebuilt, "again")).toEqual(expected);
    expect(rebuilt.queueCounts("again", "task/greet")).toEqual(
      living.queueCounts("again", "task/greet"),
    );
  });

  it("counts a queue's runs: those that were admitted, and those in line", async () => {
    const projection = await log.open();
    const runs = [
      await log.trigger("counts"),
      await log.trigger("counts"),
      await log.trigger("counts"),
    ];
    await log.start("counts", runs[0] ?? "");
    await everything(projection, "counts");
    expect(projection.queueCounts("counts", "task/greet")).toEqual({ running: 1, queued: 2 });
    await log.succeed("counts", runs[0] ?? "");
    await everything(projection, "counts");
    expect(projection.queueCounts("counts", "task/greet")).toEqual({ running: 0, queued: 2 });
    expect(projection.queueCounts("counts", "unknown")).toEqual({ running: 0, queued: 0 });
  });

  it("knows a run's children and a batch's runs in their order", async () => {
    const projection = await log.open();
    const parent = await log.trigger("family");
    const children = [];
    for (let i = 0; i < 3; i++)
      children.push(await log.trigger("family", { parent: { runId: parent }, batchId: "batch_1" }));
    await everything(projection, "family");
    expect(ids(projection.childrenOf("family", parent))).toEqual(children);
    const ofBatch = { tags: [], batchId: "batch_1", createdAfter: 0 };
    expect(projection.runsOf("family", ofBatch, 10)).toEqual(children);
    expect(projection.runsOf("other", ofBatch, 10)).toEqual([]);
  });

  it("keeps the runs of environments apart, also under the same id", async () => {
    const projection = await log.open();
    const runId = await log.trigger("left", { tags: ["l"] });
    await log.state(
      "right",
      runId,
      "client",
      "run-triggered",
      triggerData("right", { tags: ["r"] }),
    );
    await log.start("right", runId);
    expect(await everything(projection, "left")).toMatchObject([
      { id: runId, status: "QUEUED", tags: ["l"] },
    ]);
    expect(await everything(projection, "right")).toMatchObject([
      { id: runId, status: "EXECUTING", tags: ["r"] },
    ]);
  });

  it("is not led astray by a second trigger of a run, or by facts of runs nobody triggered", async () => {
    const projection = await log.open();
    const runId = await log.trigger("forged");
    await log.start("forged", runId);
    await log.succeed("forged", runId);
    await everything(projection, "forged");
    await log.state(
      "forged",
      runId,
      "client",
      "run-triggered",
      triggerData("forged", { tags: ["again"] }),
    );
    await log.start("forged", makeRunId(3, Date.now(), new Uint8Array(10)));
    await log.publisher.publish(
      runSubject("forged", runId, "agent"),
      encodeEvent("cancel-requested", { at: 1 }),
      {
        type: "attempt-started",
      },
    );
    expect(await everything(projection, "forged")).toMatchObject([
      { id: runId, status: "COMPLETED", tags: [] },
    ]);
    expect(projection.queueCounts("forged", "task/greet")).toEqual({ running: 0, queued: 0 });
  });
});

describe("a kept file", () => {
  it("goes on where it was: with runs that lived, ended and changed meanwhile", async () => {
    const file = join(log.folder, "kept.db");
    const first = await log.open(file);
    const [lives, ends, isTagged] = [
      await log.trigger("kept", { tags: ["x"] }),
      await log.trigger("kept"),
      await log.trigger("kept"),
    ];
    await log.start("kept", isTagged);
    await log.succeed("kept", isTagged);
    await everything(first, "kept");
    const { seq } = first;
    await first.close();
    await log.start("kept", ends);
    await log.succeed("kept", ends);
    await log.state("kept", isTagged, "client", "tags-added", { at: Date.now(), tags: ["t"] });
    await log.state("kept", lives, "client", "tags-added", { at: Date.now(), tags: ["y"] });
    const born = await log.trigger("kept");
    const second = await log.open(file);
    expect(second.seq).toBeGreaterThanOrEqual(seq);
    const rebuilt = await log.open();
    const expected = await everything(rebuilt, "kept");
    await expect.poll(() => everything(second, "kept")).toEqual(expected);
    expect(ids(expected)).toEqual([born, isTagged, ends, lives]);
    expect(second.queueCounts("kept", "task/greet")).toEqual({ running: 0, queued: 2 });
    for (const tag of ["x", "y", "t"])
      expect((await list(second, "kept", { filter: { tag: [tag] } })).data).toHaveLength(1);
    await second.close();
  });

  it("that is not a database, or of another version, is built anew", async () => {
    const file = join(log.folder, "broken.db");
    const runId = await log.trigger("broken");
    writeFileSync(file, "this is not a database".repeat(100));
    const first = await log.open(file);
    expect(ids(await everything(first, "broken"))).toEqual([runId]);
    await first.close();
    const { default: Database } = await import("libsql");
    const db = new Database(file);
    db.exec("PRAGMA user_version = 999999; DELETE FROM runs");
    db.close();
    const second = await log.open(file);
    expect(ids(await everything(second, "broken"))).toEqual([runId]);
    await second.close();
  });

  it("of another log is built anew", async () => {
    const file = join(log.folder, "other.db");
    const other = await startLog();
    await other.trigger("other");
    const projection = await other.open(file);
    await everything(projection, "other");
    await projection.close();
    await other.stop();
    const here = await log.open(file);
    expect(await everything(here, "other")).toEqual([]);
    await here.close();
  });

  it("that another gateway uses is refused, not deleted", async () => {
    const file = join(log.folder, "shared.db");
    const first = await log.open(file);
    await log.trigger("shared");
    await everything(first, "shared");
    await expect(log.open(file)).rejects.toThrow("used by another process");
    expect(await everything(first, "shared")).toHaveLength(1);
    await first.close();
  });
});

/** Runs at all stages, with facts about them in between. */
async function randomHistory(env: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const runId = await log.trigger(env, {
      tags: i % 3 === 0 ? ["third"] : [],
      ...(i % 5 === 0 ? { delayUntil: Date.now() + 3_600_000 } : {}),
      payload: { data: JSON.stringify("x".repeat(i * 100)), type: "application/json" },
    });
    if (i % 2 === 0) await log.start(env, runId);
    if (i % 4 === 0) await log.succeed(env, runId);
    if (i % 7 === 0) await log.state(env, runId, "client", "cancel-requested", { at: Date.now() });
    if (i % 6 === 0)
      await log.state(env, runId, "meta", "metadata-updated", {
        at: Date.now(),
        operations: [{ type: "increment", key: "n", value: i }],
      });
    if (i % 8 === 0)
      await log.state(env, runId, "client", "tags-added", { at: Date.now(), tags: [`t${i}`] });
  }
}
