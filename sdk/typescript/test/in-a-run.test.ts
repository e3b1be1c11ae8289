/** Inside a run every call goes to the run's host. */
import { describe, expect, it } from "vitest";
import type { ChildResult, RunView } from "@millrace/proto";
import { SubtaskUnwrapError } from "../src/errors.ts";
import { runs } from "../src/runs.ts";
import { task } from "../src/task.ts";
import { tasks } from "../src/tasks.ts";
import { fakeRun } from "./fake-run.ts";

const child = task({ id: "child", run: (payload: { n: number }) => payload.n });

const succeeded: ChildResult = {
  ok: true,
  id: "run_child",
  taskIdentifier: "child",
  output: '{"json":"1970-01-01T00:00:00.000Z","meta":{"values":["Date"]}}',
  outputType: "application/super+json",
};
const failed: ChildResult = {
  ok: false,
  id: "run_child",
  taskIdentifier: "child",
  error: { type: "BUILT_IN_ERROR", name: "RangeError", message: "too far", stackTrace: "at …" },
};
const call = {
  taskId: "child",
  body: { payload: '{"n":1}', options: { payloadType: "application/json" } },
};

describe("without waiting", () => {
  it("triggers, retrieves and cancels through the host", async () => {
    const run = fakeRun();
    await run.execute(async () => {
      const handle = await child.trigger({ n: 1 });
      expect(handle).toEqual({ id: "run_child", taskIdentifier: "child" });
      await runs.retrieve(handle);
      await runs.cancel(handle.id);
      const batch = await child.batchTrigger([{ payload: { n: 1 } }]);
      expect(batch).toMatchObject({ batchId: "batch_1", runCount: 1, runs: [{ id: "run_child" }] });
    });
    expect(run.asked).toEqual([
      ["trigger", call],
      ["retrieve", "run_child"],
      ["cancel", "run_child"],
      ["batchTrigger", [call]],
    ]);
  });
});

describe("waiting for children", () => {
  it("gives their outputs", async () => {
    const run = fakeRun({ triggerAndWait: () => Promise.resolve([succeeded]) });
    const result = await run.execute(async () => await child.triggerAndWait({ n: 1 }));
    expect(result).toEqual({
      ok: true,
      id: "run_child",
      taskIdentifier: "child",
      output: new Date(0),
    });
    const unwrap = async (): Promise<unknown> => await child.triggerAndWait({ n: 1 }).unwrap();
    expect(await run.execute(unwrap)).toEqual(new Date(0));
  });

  it("gives what they threw", async () => {
    const run = fakeRun({ triggerAndWait: () => Promise.resolve([failed]) });
    const result = await run.execute(async () => await child.triggerAndWait({ n: 1 }));
    if (result.ok) throw new Error("the child failed");
    expect(result.error).toMatchObject({ name: "RangeError", message: "too far", stack: "at …" });

    const unwrap = async (): Promise<unknown> => await child.triggerAndWait({ n: 1 }).unwrap();
    const thrown: unknown = await run.execute(unwrap).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(SubtaskUnwrapError);
    expect(thrown).toMatchObject({
      taskId: "child",
      runId: "run_child",
      cause: { message: "too far" },
    });
  });

  it.each([
    [{ type: "STRING_ERROR", raw: "just text" }, "just text"],
    [{ type: "CUSTOM_ERROR", raw: '{"code":7}' }, { code: 7 }],
    [
      { type: "INTERNAL_ERROR", code: "TASK_RUN_CANCELLED" },
      expect.objectContaining({ name: "TASK_RUN_CANCELLED" }),
    ],
  ] as const)("turns %o into what code can work with", async (error, expected) => {
    const run = fakeRun({ triggerAndWait: () => Promise.resolve([{ ...failed, error }]) });
    const result = await run.execute(async () => await child.triggerAndWait({ n: 1 }));
    expect(result).toMatchObject({ ok: false, error: expected });
  });

  it("asks for a batch at once and keeps its order", async () => {
    const asked: unknown[] = [];
    const run = fakeRun({
      triggerAndWait: (...args) => {
        asked.push(args);
        return Promise.resolve([succeeded, failed]);
      },
      retrieve: () =>
        Promise.resolve({
          id: "run_child",
          batchId: "batch_7",
          relatedRuns: { parent: { id: "run_1" } },
        } as RunView),
    });
    const items = [{ payload: { n: 1 } }, { payload: { n: 1 } }];
    const { id, runs: results } = await run.execute(() =>
      tasks.batchTriggerAndWait<typeof child>("child", items),
    );
    expect(id).toBe("batch_7");
    expect(results.map(({ ok }) => ok)).toEqual([true, false]);
    expect(asked).toEqual([[[call, call], true]]);
  });
});

describe("outside a run", () => {
  it("cannot wait for children", async () => {
    const message = "triggerAndWait can only be used from inside a task.run()";
    await expect(child.triggerAndWait({ n: 1 })).rejects.toThrow(message);
    await expect(child.triggerAndWait({ n: 1 }).unwrap()).rejects.toThrow(message);
    await expect(child.batchTriggerAndWait([{ payload: { n: 1 } }])).rejects.toThrow(
      "batchTriggerAndWait can only be used from inside a task.run()",
    );
  });
});

describe("a batch", () => {
  it("names the item that is refused", async () => {
    const items = [{ payload: 1 }, { payload: 2, options: { maxAttempts: 0 } }];
    await expect(tasks.batchTrigger("child", items)).rejects.toMatchObject({
      name: "BadRequestError",
      message: expect.stringMatching(/^Batch item 1: options\.maxAttempts: /),
    });
  });

  it.each([0, 1001])("of %i items is refused", async (length) => {
    const items = Array.from({ length }, () => ({ payload: 1 }));
    await expect(tasks.batchTrigger("child", items)).rejects.toThrow(
      `A batch has 1 to 1000 items, not ${length}`,
    );
  });
});
