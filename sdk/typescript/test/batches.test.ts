/** Batches as the code asks for them: their items, their keys, tasks of several kinds. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { ChildResult, RunView } from "@millrace/proto";
import { batch } from "../src/batch-namespace.ts";
import { apiError } from "../src/errors.ts";
import type { TriggerCall } from "../src/host.ts";
import { task } from "../src/task.ts";
import { tasks } from "../src/tasks.ts";
import { fakeRun, type FakeRun } from "./fake-run.ts";

const one = task({ id: "batches-one", run: (n: number) => n });
const two = task({ id: "batches-two", run: (text: string) => text });

const sha = (text: string): string => createHash("sha256").update(text).digest("hex");

function triggering(): { readonly run: FakeRun; readonly calls: () => readonly TriggerCall[] } {
  const all: TriggerCall[] = [];
  const run = fakeRun({
    batchTrigger: (calls) => {
      all.push(...calls);
      return Promise.resolve({ batchId: "batch_1", runIds: calls.map((_, n) => `run_${n}`) });
    },
    triggerAndWait: (calls) => {
      all.push(...calls);
      return Promise.resolve(calls.map(({ taskId }, n) => resultOf(taskId, n)));
    },
    retrieve: () =>
      Promise.resolve({ batchId: "batch_1", relatedRuns: { parent: { id: "run_1" } } } as RunView),
  });
  return { run, calls: () => all };
}

const resultOf = (taskId: string, n: number): ChildResult => ({
  ok: true,
  id: `run_${n}`,
  taskIdentifier: taskId,
  output: String(n),
  outputType: "application/json",
});

describe("items", () => {
  it.each([
    ["a list", () => [{ payload: 1 }, { payload: 2 }]],
    [
      "an async iterable",
      async function* () {
        yield { payload: 1 };
        yield { payload: 2 };
      },
    ],
    [
      "a ReadableStream",
      () =>
        new ReadableStream<{ payload: number }>({
          start: (controller) => {
            controller.enqueue({ payload: 1 });
            controller.enqueue({ payload: 2 });
            controller.close();
          },
        }),
    ],
  ])("may be %s", async (_what, items) => {
    const { run, calls } = triggering();
    const handle = await run.execute(() => one.batchTrigger(items()));
    expect(calls().map(({ body }) => body.payload)).toEqual(["1", "2"]);
    expect(handle).toMatchObject({ batchId: "batch_1", runCount: 2, runs: [{ id: "run_0" }, {}] });
  });

  it("that never end are not read to their end", async () => {
    const { run } = triggering();
    let read = 0;
    async function* endless() {
      for (;;) {
        read++;
        yield { payload: 1 };
      }
    }
    const triggered = run.execute(() => one.batchTrigger(endless()));
    await expect(triggered).rejects.toThrow("A batch has 1 to 1000 items, not more than 1000");
    expect(read).toBe(1001);
  });

  it("one of which is unusable: it is named, and nothing is asked for", async () => {
    const { run, calls } = triggering();
    const items = [
      { task: one, payload: 1 },
      { task: two, payload: "x", options: { maxAttempts: 0 } },
    ] as const;
    await expect(run.execute(() => batch.triggerByTask(items))).rejects.toThrow(/^Batch item 1: /);
    expect(calls()).toEqual([]);
  });
});

describe("a batch's key", () => {
  it("is each item's, with its index; an item's own counts before it", async () => {
    const { run, calls } = triggering();
    const items = [{ payload: 1 }, { payload: 2, options: { idempotencyKey: "own" } }];
    const options = { idempotencyKey: "k", idempotencyKeyTTL: "1h", triggerSequentially: true };
    await run.execute(() => one.batchTrigger(items, options));
    expect(calls().map(({ body }) => body.options)).toMatchObject([
      {
        idempotencyKey: sha("k-0-run_1"),
        idempotencyKeyOptions: { key: "k-0", scope: "run" },
        idempotencyKeyTTL: "1h",
      },
      { idempotencyKey: sha("own-run_1") },
    ]);
  });

  it("beside an option that is none is refused", async () => {
    const { run } = triggering();
    const options = { concurrency: 5 } as object;
    await expect(run.execute(() => one.batchTrigger([{ payload: 1 }], options))).rejects.toThrow(
      /Batch option "concurrency" is not supported/,
    );
  });
});

describe("what children gave", () => {
  it("is in their order, and can be walked through without naming the runs", async () => {
    const { run } = triggering();
    const waited = await run.execute(() =>
      one.batchTriggerAndWait([{ payload: 5 }, { payload: 6 }]),
    );
    expect([...waited]).toEqual(waited.runs);
    expect(waited.runs.map(({ id }) => id)).toEqual(["run_0", "run_1"]);
    expect(Object.keys(waited)).toEqual(["id", "runs"]);
  });
});

describe("tasks of several kinds", () => {
  it("are triggered by id", async () => {
    const { run, calls } = triggering();
    const handle = await run.execute(() =>
      batch.trigger<typeof one | typeof two>([
        { id: "batches-one", payload: 1 },
        { id: "batches-two", payload: "x", options: { tags: "a" } },
      ]),
    );
    expect(calls()).toMatchObject([
      { taskId: "batches-one", body: { payload: "1" } },
      { taskId: "batches-two", body: { payload: "x", options: { tags: "a" } } },
    ]);
    expect(handle).toEqual({
      batchId: "batch_1",
      runCount: 2,
      runs: [
        { id: "run_0", taskIdentifier: "batches-one" },
        { id: "run_1", taskIdentifier: "batches-two" },
      ],
    });
  });

  it("are waited for by task: results are in their places, with their tasks", async () => {
    const { run } = triggering();
    const waited = await run.execute(() =>
      batch.triggerByTaskAndWait([
        { task: two, payload: "x" },
        { task: one, payload: 1 },
      ]),
    );
    expect(waited).toEqual({
      id: "batch_1",
      runs: [
        { ok: true, id: "run_0", taskIdentifier: "batches-two", output: 0 },
        { ok: true, id: "run_1", taskIdentifier: "batches-one", output: 1 },
      ],
    });
  });

  it("cannot be waited for outside a run", async () => {
    await expect(batch.triggerAndWait([{ id: "a", payload: 1 }])).rejects.toThrow(
      "batch.triggerAndWait can only be used from inside a task.run()",
    );
    await expect(batch.triggerByTaskAndWait([{ task: one, payload: 1 }])).rejects.toThrow(
      "batch.triggerByTaskAndWait can only be used",
    );
  });
});

describe("a refused batch", () => {
  it("is a BatchTriggerError with the refusal's status and code", async () => {
    const run = fakeRun({
      batchTrigger: () =>
        Promise.reject(apiError(404, "Batch item 0: no such task", "TASK_NOT_FOUND")),
    });
    await expect(
      run.execute(() => tasks.batchTrigger("nobody", [{ payload: 1 }])),
    ).rejects.toMatchObject({
      name: "BatchTriggerError",
      phase: "create",
      itemCount: 1,
      status: 404,
      code: "TASK_NOT_FOUND",
      cause: { name: "NotFoundError" },
    });
  });
});

describe("triggerAndSubscribe", () => {
  const following = (view: Partial<RunView>): FakeRun =>
    fakeRun({
      subscribe: (_runId, onView) => {
        if (view.status) onView({ id: "run_child", ...view } as RunView);
        return Promise.resolve({ stop: () => undefined });
      },
    });

  it("gives how the run ended", async () => {
    const finishedAt = "2030-01-01T00:00:00.000Z";
    const ok = following({ status: "COMPLETED", isSuccess: true, output: 5, finishedAt });
    expect(await ok.execute(() => one.triggerAndSubscribe(1).unwrap())).toBe(5);
    const failed = following({
      status: "FAILED",
      isSuccess: false,
      finishedAt,
      error: { name: "RangeError", message: "too far" },
    });
    const result = await failed.execute(async () => await one.triggerAndSubscribe(1));
    expect(result).toMatchObject({ ok: false, error: { name: "RangeError", message: "too far" } });
  });

  it.each([
    [undefined, [["cancel", "run_child"]]],
    [false, []],
  ])("with its signal, and cancelOnAbort %s, rejects", async (cancelOnAbort, asked) => {
    const run = following({});
    const abort = new AbortController();
    const options = {
      signal: abort.signal,
      ...(cancelOnAbort === undefined ? {} : { cancelOnAbort }),
    };
    await run.execute(async () => {
      const result = one.triggerAndSubscribe(1, options);
      setTimeout(() => abort.abort(new Error("enough")), 5);
      await expect(result).rejects.toThrow("enough");
    });
    expect(run.asked.filter(([call]) => call === "cancel")).toEqual(asked);
  });
});
