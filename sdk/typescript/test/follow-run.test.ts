import { describe, expect, it } from "vitest";
import type { RunView } from "@millrace/proto";
import { runs } from "../src/runs.ts";
import { fakeRun, type FakeRun } from "./fake-run.ts";

type Following = {
  readonly run: FakeRun;
  readonly stopped: () => number;
  tell(view: Partial<RunView>): void;
  fail(error: Error): void;
};

function followed(): Following {
  let tell: (view: RunView) => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  let stops = 0;
  const run = fakeRun({
    subscribe: (_runId, onView, onError) => {
      tell = onView;
      fail = onError;
      return Promise.resolve({ stop: () => stops++ });
    },
  });
  return {
    run,
    stopped: () => stops,
    tell: (view) =>
      tell({ id: "run_1", createdAt: "2030-01-01T00:00:00.000Z", ...view } as RunView),
    fail: (error) => fail(error),
  };
}

const FINISHED = { status: "COMPLETED", finishedAt: "2030-01-01T00:00:01.000Z" } as const;

/** Lets the subscription be made. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe("subscribeToRun", () => {
  it("gives every state, with dates, and ends with the run", async () => {
    const { run, tell, stopped } = followed();
    const seen: unknown[] = [];
    await run.execute(async () => {
      const loop = (async () => {
        for await (const each of runs.subscribeToRun("run_1")) seen.push(each);
      })();
      await settle();
      tell({ status: "QUEUED" });
      tell({ status: "EXECUTING" });
      tell(FINISHED);
      await loop;
    });
    expect(seen).toMatchObject([
      { status: "QUEUED", createdAt: new Date("2030-01-01") },
      { status: "EXECUTING" },
      { status: "COMPLETED", finishedAt: new Date("2030-01-01T00:00:01.000Z") },
    ]);
    expect(stopped()).toBe(1);
  });

  it("unsubscribes when the loop is left", async () => {
    const { run, tell, stopped } = followed();
    await run.execute(async () => {
      const loop = (async () => {
        for await (const each of runs.subscribeToRun("run_1")) if (each.status === "QUEUED") break;
      })();
      await settle();
      tell({ status: "QUEUED" });
      await loop;
    });
    expect(stopped()).toBe(1);
  });

  it("ends a next() that is waiting when return() is called", async () => {
    const { run, stopped } = followed();
    await run.execute(async () => {
      const iterator = runs.subscribeToRun("run_1")[Symbol.asyncIterator]();
      const next = iterator.next();
      await settle();
      await iterator.return?.();
      expect(await next).toEqual({ done: true, value: undefined });
      expect(await iterator.next()).toEqual({ done: true, value: undefined });
    });
    expect(stopped()).toBe(1);
  });

  it("throws what ended the subscription, after what came before", async () => {
    const { run, tell, fail } = followed();
    await run.execute(async () => {
      const iterator = runs.subscribeToRun("run_1")[Symbol.asyncIterator]();
      const first = iterator.next();
      await settle();
      tell({ status: "QUEUED" });
      tell({ status: "EXECUTING" });
      fail(new Error("refused"));
      expect((await first).value).toMatchObject({ status: "QUEUED" });
      expect((await iterator.next()).value).toMatchObject({ status: "EXECUTING" });
      await expect(iterator.next()).rejects.toThrow("refused");
      expect(await iterator.next()).toEqual({ done: true, value: undefined });
    });
  });
});

describe("poll", () => {
  it("stops at any end, also those v4 does not count as completed", async () => {
    const views = [{ status: "QUEUED" }, { status: "EXPIRED", finishedAt: FINISHED.finishedAt }];
    const run = fakeRun({ retrieve: () => Promise.resolve(views.shift() as RunView) });
    const polled = await run.execute(() => runs.poll("run_1", { pollIntervalMs: 1 }));
    expect(polled.status).toBe("EXPIRED");
  });

  it("gives up after 500 times", async () => {
    const run = fakeRun();
    const polling = run.execute(() => runs.poll("run_child", { pollIntervalMs: 0 }));
    await expect(polling).rejects.toThrow("has not finished after being retrieved 500 times");
    expect(run.asked).toHaveLength(500);
  });
});
