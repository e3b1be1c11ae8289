/** What a task can do, as its users see it: real services, one agent, the SDK over each of its transports. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  auth,
  batch,
  configure,
  idempotencyKeys,
  queues,
  runs,
  shutdown,
  streams,
  tasks,
  wait,
} from "@millrace/sdk";
import { Millrace, overlap, readMarks, sleep, until } from "@millrace/harness";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { echo, slow } from "../tasks/basic.ts";
import type {
  approval,
  big,
  bigParent,
  deaf,
  hooked,
  hungry,
  ofMany,
  once,
  perKey,
  perSecond,
  reported,
  reporting,
  sharing,
  streaming,
  waitingParent,
} from "../tasks/features.ts";
import { TASKS } from "./support.ts";

let millrace: Millrace;
let files = 0;

beforeAll(async () => {
  millrace = await Millrace.start();
  await millrace.agent(TASKS, { MILLRACE_CPUS: "4", MILLRACE_CANCEL_GRACE_MS: "1500" });
});
afterAll(() => millrace.stop());

const newFile = (): string => join(millrace.dir, `notes-${files++}`);
const linesOf = (file: string): string[] => readFileSync(file, "utf8").trim().split("\n");
const soon = { pollIntervalMs: 20 } as const;

async function ended(id: string): Promise<Awaited<ReturnType<typeof runs.retrieve>>> {
  return await runs.poll(id, soon);
}

describe.each(["http", "nats"] as const)("over %s", (transport) => {
  beforeAll(() => {
    if (transport === "http")
      configure({ baseURL: millrace.apiUrl, secretKey: millrace.secretKey });
    else configure({ natsUrl: millrace.natsUrl });
  });
  afterAll(() => shutdown());

  test("hooks and middleware run in order around attempts and waits", async () => {
    const file = newFile();
    const handle = await tasks.trigger<typeof hooked>("hooked", { file, fail: 1 });
    expect(await ended(handle.id)).toMatchObject({ status: "COMPLETED", output: "done" });
    expect(linesOf(file)).toEqual([
      "middleware in",
      "onStart",
      "onStartAttempt 1",
      "run",
      "catchError",
      "cleanup",
      "middleware out",
      "middleware in",
      "onStartAttempt 2",
      "run",
      "onWait",
      "onResume",
      "onSuccess",
      "onComplete true",
      "cleanup",
      "middleware out",
    ]);
  });

  test("metadata and tags of a run, its parent and its root change while it runs", async () => {
    const handle = await tasks.trigger<typeof reported>(
      "reported",
      { steps: 3 },
      { metadata: { from: "test" } },
    );
    const run = await ended(handle.id);
    expect(run.output).toMatchObject({ from: "test", childSteps: 6, lastStep: 2 });
    expect(run.metadata).toMatchObject({ from: "test", childSteps: 6, lastStep: 2 });
    const alone = await tasks.trigger<typeof reporting>(
      "reporting",
      { steps: 2 },
      { tags: "mine" },
    );
    expect(await ended(alone.id)).toMatchObject({
      output: 2,
      tags: ["mine", "reported", "steps_2"],
      metadata: { total: 2, done: 2, log: ["step 0", "step 1"] },
    });
  });

  test("a run waits for a token, which anyone completes once", async () => {
    const token = await wait.createToken({ timeout: "1h", tags: ["orders"] });
    expect(token).toMatchObject({ isCached: false });
    const handle = await tasks.trigger<typeof approval>("approval", { tokenId: token.id });
    await until("it waits", async () => (await runs.retrieve(handle.id)).status === "WAITING");
    await wait.completeToken(token.id, { by: "Ada" });
    await wait.completeToken(token.id, { by: "somebody else" });
    expect(await ended(handle.id)).toMatchObject({ status: "COMPLETED", output: { by: "Ada" } });
    expect(await wait.retrieveToken(token.id)).toMatchObject({
      status: "COMPLETED",
      output: { by: "Ada" },
      tags: ["orders"],
    });
    // Complete before anyone waits: nothing to wait for.
    const later = await tasks.trigger<typeof approval>("approval", { tokenId: token.id });
    expect((await ended(later.id)).output).toEqual({ by: "Ada" });
  });

  test("a token nobody completes times out", async () => {
    const token = await wait.createToken({ timeout: "1s" });
    const handle = await tasks.trigger<typeof approval>("approval", { tokenId: token.id });
    expect((await ended(handle.id)).output).toEqual({ timedOut: true });
    expect(await wait.retrieveToken(token.id)).toMatchObject({ status: "TIMED_OUT" });
  });

  test("the same idempotency key gives the same run, until it is reset", async () => {
    const key = await idempotencyKeys.create(["order", transport], { scope: "global" });
    const first = await tasks.trigger<typeof echo>("echo", 1, { idempotencyKey: key });
    const second = await tasks.trigger<typeof echo>("echo", 2, { idempotencyKey: key });
    expect(second.id).toBe(first.id);
    const other = await tasks.trigger<typeof slow>(
      "slow",
      { file: newFile(), ms: 1 },
      { idempotencyKey: key },
    );
    expect(other.id).not.toBe(first.id);
    await idempotencyKeys.reset("echo", key);
    const third = await tasks.trigger<typeof echo>("echo", 3, { idempotencyKey: key });
    expect(third.id).not.toBe(first.id);
    expect((await ended(third.id)).output).toBe(3);
  });

  test("a hundred identical triggers at once make one run", async () => {
    const key = await idempotencyKeys.create(["burst", transport], { scope: "global" });
    const handles = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        tasks.trigger<typeof echo>("echo", n, { idempotencyKey: key }),
      ),
    );
    expect(new Set(handles.map(({ id }) => id)).size).toBe(1);
  });

  test("a child with an idempotency key runs once, however often its parent is tried", async () => {
    const file = newFile();
    const handle = await tasks.trigger<typeof once>("once", { file, ms: 1 });
    const run = await ended(handle.id);
    expect(run).toMatchObject({ status: "COMPLETED", attemptCount: 3 });
    await until("the child ran", () => readMarks(file).length === 2);
    await sleep(200);
    expect(readMarks(file)).toHaveLength(2);
  });

  test("parents that wait for the same child all get its result", async () => {
    const file = newFile();
    const payload = { file, ms: 500, key: `shared-${transport}` };
    const handles = await Promise.all(
      Array.from({ length: 4 }, () => tasks.trigger<typeof sharing>("sharing", payload)),
    );
    const outputs = new Set<unknown>();
    for (const { id } of handles) outputs.add((await ended(id)).output);
    expect(outputs.size).toBe(1);
    expect([...outputs][0]).toMatch(/^run_/);
    expect(readMarks(file)).toHaveLength(2);
    // It has ended long ago, and is told again.
    const late = await tasks.trigger<typeof sharing>("sharing", payload);
    expect((await ended(late.id)).output).toBe([...outputs][0]);
  });

  test("a burst of debounced triggers is one run, with the last payload", async () => {
    const debounce = { key: `burst-${transport}`, delay: "1s", mode: "trailing" } as const;
    const ids = new Set<string>();
    for (let n = 0; n < 10; n++)
      ids.add((await tasks.trigger<typeof echo>("echo", n, { debounce })).id);
    expect(ids.size).toBe(1);
    const [id = ""] = ids;
    expect((await runs.retrieve(id)).status).toBe("DELAYED");
    expect((await ended(id)).output).toBe(9);
  });

  test("a batch is triggered as one, and its runs are found by it", async () => {
    const handle = await batch.trigger<typeof echo>(
      Array.from({ length: 250 }, (_, n) => ({ id: "echo" as const, payload: n })),
    );
    expect(handle).toMatchObject({ runCount: 250 });
    await until("all runs are there", async () => {
      const known = await batch.retrieve(handle.batchId);
      return known.runs.length === 250;
    });
    const { runs: ids } = await batch.retrieve(handle.batchId);
    expect((await ended(ids[249] ?? "")).output).toBe(249);
  });

  test("a bad item of a batch is named, and nothing is triggered", async () => {
    const file = newFile();
    const refused = tasks.batchTrigger<typeof slow>("slow", [
      { payload: { file, ms: 1 } },
      { payload: { file, ms: 1 }, options: { delay: "soon" } },
    ]);
    await expect(refused).rejects.toThrow(/item 1.*delay must be a duration/s);
    await sleep(500);
    expect(readMarks(file)).toEqual([]);
  });

  test("a thousand children are waited for, in order", async () => {
    const handle = await tasks.trigger<typeof ofMany>("of-many", { items: 1000 });
    expect(await ended(handle.id)).toMatchObject({ status: "COMPLETED", output: true });
  });

  test("a replayed run is a new one with the same payload", async () => {
    const handle = await tasks.trigger<typeof echo>("echo", { n: 7 }, { tags: ["again"] });
    await ended(handle.id);
    const replayed = await runs.replay(handle.id);
    expect(replayed.id).not.toBe(handle.id);
    expect(await ended(replayed.id)).toMatchObject({ output: { n: 7 }, tags: ["again"] });
  });

  test("a delayed run is rescheduled; one that has started is not", async () => {
    const handle = await tasks.trigger<typeof echo>("echo", 1, { delay: "1h" });
    await runs.reschedule(handle.id, { delay: "1s" });
    expect((await ended(handle.id)).status).toBe("COMPLETED");
    await expect(runs.reschedule(handle.id, { delay: "1s" })).rejects.toMatchObject({
      status: 422,
    });
  });

  test("a stream is read while it is written, and again from its beginning", async () => {
    const handle = await tasks.trigger<typeof streaming>("streaming", { chunks: 20, pauseMs: 20 });
    const read = async (startIndex = 0): Promise<unknown[]> => {
      const chunks: unknown[] = [];
      for await (const chunk of await streams.read(handle.id, "numbers", { startIndex }))
        chunks.push(chunk);
      return chunks;
    };
    const all = Array.from({ length: 20 }, (_, n) => ({ n }));
    expect(await read()).toEqual(all);
    expect(await read(15)).toEqual(all.slice(15));
  });

  test("payloads and outputs of megabytes go through the object store unseen", async () => {
    const text = "é".repeat(1_000_000);
    const handle = await tasks.trigger<typeof big>("big", { text });
    const run = await ended(handle.id);
    expect(run.status).toBe("COMPLETED");
    expect(run.payload).toEqual({ text });
    expect(run.output).toEqual({ length: 1_000_000, text });
    const parent = await tasks.trigger<typeof bigParent>("big-parent", { length: 2_000_000 });
    expect((await ended(parent.id)).output).toEqual({ length: 2_000_000, same: true });
  });

  test("each concurrency key has the queue's limit to itself", async () => {
    const names = ["a", "b", "c"].map((name) => ({ name, file: newFile() }));
    const handles = await Promise.all(
      names.flatMap(({ name, file }) =>
        Array.from({ length: 4 }, () =>
          tasks.trigger<typeof perKey>(
            "per-key",
            { file, ms: 60 },
            { concurrencyKey: `${name}-${transport}` },
          ),
        ),
      ),
    );
    for (const { id } of handles) expect((await ended(id)).status).toBe("COMPLETED");
    for (const { file } of names) expect(overlap(readMarks(file))).toBe(1);
    const marks = names
      .flatMap(({ file }) => readMarks(file))
      .toSorted((one, other) => one.at - other.at);
    expect(overlap(marks)).toBeGreaterThan(1);
  });

  test("a rate limit is not exceeded in any second", async () => {
    const file = newFile();
    const handles = await Promise.all(
      Array.from({ length: 12 }, () =>
        tasks.trigger<typeof perSecond>("per-second", { file, ms: 1 }),
      ),
    );
    for (const { id } of handles) await ended(id);
    const begun = readMarks(file).flatMap(({ edge, at }) => (edge === "begin" ? [at] : []));
    expect(begun).toHaveLength(12);
    // Between the grant and the code lies a dispatch: its jitter is allowed for.
    for (let n = 5; n < begun.length; n++)
      expect((begun[n] ?? 0) - (begun[n - 5] ?? 0)).toBeGreaterThan(800);
  });

  test("a paused queue starts nothing until it is resumed; an override counts at once", async () => {
    const name = { type: "custom", name: "keyed" } as const;
    const file = newFile();
    await queues.pause(name);
    const handles = await Promise.all(
      Array.from({ length: 3 }, () => tasks.trigger<typeof perKey>("per-key", { file, ms: 150 })),
    );
    await sleep(700);
    expect(readMarks(file)).toEqual([]);
    expect(await queues.retrieve(name)).toMatchObject({ paused: true, name: "keyed" });
    await queues.overrideConcurrencyLimit(name, 3);
    await queues.resume(name);
    for (const { id } of handles) await ended(id);
    expect(overlap(readMarks(file))).toBeGreaterThan(1);
    expect(await queues.resetConcurrencyLimit(name)).toMatchObject({ concurrencyLimit: 1 });
  });

  test("cancelling a parent reaches its child's code within a second", async () => {
    const handle = await tasks.trigger<typeof waitingParent>("waiting-parent", undefined);
    await until("it waits", async () => (await runs.retrieve(handle.id)).status === "WAITING");
    const before = Date.now();
    await runs.cancel(handle.id);
    expect((await ended(handle.id)).status).toBe("CANCELED");
    expect(Date.now() - before).toBeLessThan(1000);
  });

  test("code that ignores its cancellation is killed", async () => {
    const handle = await tasks.trigger<typeof deaf>("deaf", undefined);
    await until("it runs", async () => (await runs.retrieve(handle.id)).status === "EXECUTING");
    await runs.cancel(handle.id);
    const before = Date.now();
    expect((await ended(handle.id)).status).toBe("CANCELED");
    expect(Date.now() - before).toBeLessThan(4000);
  });

  test("a run that runs out of memory is tried once more on the larger machine", async () => {
    const handle = await tasks.trigger<typeof hungry>("hungry", null);
    expect(await ended(handle.id)).toMatchObject({ status: "COMPLETED", output: "medium-1x" });
  });
});

describe("what only the gateway knows", () => {
  beforeAll(() => configure({ baseURL: millrace.apiUrl, secretKey: millrace.secretKey }));
  afterAll(() => shutdown());

  test("runs are listed by filters, page by page, newest first", async () => {
    const tag = "listed";
    const ids: string[] = [];
    for (let n = 0; n < 7; n++)
      ids.push((await tasks.trigger<typeof echo>("echo", n, { tags: [tag] })).id);
    for (const id of ids) await ended(id);
    const found: string[] = [];
    for await (const run of runs.list({ tag: [tag], limit: 3 })) found.push(run.id);
    expect(found).toEqual(ids.toReversed());
    const failed = await runs.list({ tag: [tag], status: ["FAILED"] });
    expect(failed.data).toEqual([]);
  });

  test("explain says why a run is not running", async () => {
    const name = { type: "custom", name: "keyed" } as const;
    await queues.pause(name);
    const handle = await tasks.trigger<typeof perKey>("per-key", { file: newFile(), ms: 1 });
    await until("the pause is the reason", async () => {
      const { reasons } = await runs.explain(handle.id);
      return reasons.some((reason) => reason.kind === "paused");
    });
    await queues.resume(name);
    await ended(handle.id);
    const nowhere = await tasks.trigger<typeof echo>("echo", 1, { region: "the-moon" });
    const { reasons, summary } = await runs.explain(nowhere.id);
    expect(reasons[0]).toMatchObject({ kind: "no-agent", pool: "the-moon" });
    expect(summary).toContain("the-moon");
    await runs.cancel(nowhere.id);
  });

  test("a public token reads what it names and nothing else", async () => {
    const mine = await tasks.trigger<typeof echo>("echo", "mine");
    const other = await tasks.trigger<typeof echo>("echo", "other");
    await ended(mine.id);
    const accessToken = await auth.createPublicToken({
      scopes: { read: { runs: [mine.id] } },
      expirationTime: "1h",
    });
    const read = async (id: string): Promise<number> => {
      const headers = { authorization: `Bearer ${accessToken}` };
      return (await fetch(`${millrace.apiUrl}/api/v3/runs/${id}`, { headers })).status;
    };
    expect([await read(mine.id), await read(other.id)]).toEqual([200, 403]);

    const once = await auth.createTriggerPublicToken("echo");
    const trigger = async (taskId: string): Promise<number> => {
      const answer = await fetch(`${millrace.apiUrl}/api/v1/tasks/${taskId}/trigger`, {
        method: "POST",
        headers: { authorization: `Bearer ${once}`, "content-type": "application/json" },
        body: JSON.stringify({ payload: 1 }),
      });
      return answer.status;
    };
    expect(await trigger("slow")).toBe(403);
    expect(await trigger("echo")).toBe(200);
    expect(await trigger("echo")).toBeGreaterThanOrEqual(400);
    await expect(
      auth.createPublicToken({ scopes: { read: { runs: true } }, expirationTime: "31 days" }),
    ).rejects.toMatchObject({ status: 400 });
  });

  test("many runs are cancelled by a filter", async () => {
    const handles = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        tasks.trigger<typeof echo>("echo", n, { delay: "1h", tags: ["to-cancel"] }),
      ),
    );
    const action = await runs.bulk.cancel({ filter: { tag: ["to-cancel"] } });
    await runs.bulk.poll(action.id, { pollIntervalMs: 50 });
    for (const { id } of handles) expect((await runs.retrieve(id)).status).toBe("CANCELED");
  });

  test("runs with a tag are followed together", async () => {
    const first = await tasks.trigger<typeof echo>("echo", 1, { tags: ["together"] });
    const seen = new Map<string, string>();
    let second: string | undefined;
    for await (const run of runs.subscribeToRunsWithTag("together")) {
      seen.set(run.id, run.status);
      if (run.id === first.id && run.status === "COMPLETED" && second === undefined)
        second = (await tasks.trigger<typeof echo>("echo", 2, { tags: ["together"] })).id;
      if (second !== undefined && seen.get(second) === "COMPLETED") break;
    }
    expect(seen.size).toBe(2);
  });
});
