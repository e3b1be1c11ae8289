/** Hooks as their authors write them: what `catchError` decides, and the older forms. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { AbortTaskRunError, task, tasks } from "../../src/index.ts";
import { contextOf, fakeRun } from "../fake-run.ts";
import { attemptOf, forgetGlobalHooks } from "./attempts.ts";

afterEach(() => {
  forgetGlobalHooks();
  vi.useRealTimers();
});

describe("catchError", () => {
  const failing = (catchError: (params: unknown) => unknown, retry: object = {}) =>
    task({
      id: "failing",
      retry: { maxAttempts: 3, minTimeoutInMs: 100, randomize: false, ...retry },
      catchError: catchError as () => undefined,
      run: () => {
        throw new Error("first");
      },
    });

  it.each([
    [undefined, { retry: { delayMs: 100 } }],
    [{}, { retry: { delayMs: 100 } }],
    [{ skipRetrying: true }, { retry: null }],
    [{ retryDelayInMs: 7 }, { retry: { delayMs: 7 } }],
    [{ retry: { minTimeoutInMs: 40, randomize: false } }, { retry: { delayMs: 40 } }],
    [{ retry: { maxAttempts: 1 } }, { retry: null }],
    [{ error: new TypeError("second") }, { error: { name: "TypeError" }, retry: { delayMs: 100 } }],
  ])("returning %o", async (verdict, expected) => {
    failing(() => verdict);
    expect(await attemptOf(null)).toMatchObject(expected);
  });

  it("may name the time of the next attempt", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
    failing(() => ({ retryAt: new Date(1_060_000) }));
    expect(await attemptOf(null)).toMatchObject({ retry: { delayMs: 60_000 } });
    failing(() => ({ retryAt: new Date(1) }));
    expect(await attemptOf(null)).toMatchObject({ retry: { delayMs: 0 } });
  });

  it("makes no attempts out of nothing", async () => {
    failing(() => ({ retryDelayInMs: 7 }));
    expect(await attemptOf(null, fakeRun({}, contextOf({ attempt: 3 })))).toMatchObject({
      retry: null,
    });
    expect(await attemptOf(null, fakeRun(), { maxAttempts: null })).toMatchObject({ retry: null });
  });

  it("is told what would happen without it", async () => {
    const asked: unknown[] = [];
    failing((params) => asked.push(params) && undefined);
    await attemptOf({ a: 1 });
    expect(asked).toEqual([
      expect.objectContaining({
        payload: { a: 1 },
        error: expect.objectContaining({ message: "first" }),
        retry: expect.objectContaining({ maxAttempts: 3, factor: 2 }),
        retryDelayInMs: 100,
        retryAt: expect.any(Date),
      }),
    ]);
  });

  it("ends the run with AbortTaskRunError; with another error of its own it is to blame", async () => {
    const failure = vi.fn<(error: unknown) => void>();
    tasks.onFailure(({ error }) => failure(error));
    const abort = new AbortTaskRunError("enough");
    failing(() => {
      throw abort;
    });
    expect(await attemptOf(null)).toMatchObject({ error: { message: "enough" }, retry: null });
    expect(failure).toHaveBeenLastCalledWith(abort);
    failing(() => {
      throw new Error("typo");
    });
    expect(await attemptOf(null)).toMatchObject({
      error: { code: "HANDLE_ERROR_ERROR", message: "typo" },
      retry: null,
    });
  });
});

describe("the older, positional forms", () => {
  it("are told by the number of their parameters", async () => {
    const calls: unknown[] = [];
    const keep =
      (name: string) =>
      (...values: unknown[]) => {
        calls.push([name, ...values]);
      };
    task({
      id: "older",
      init: async (payload, { ctx }) => keep("init")(payload, ctx.run.id),
      onStart: async (payload, { ctx }) => keep("onStart")(payload, ctx.run.id),
      onSuccess: async (payload, output, { ctx }) => keep("onSuccess")(payload, output, ctx.run.id),
      cleanup: async (payload, { ctx }) => keep("cleanup")(payload, ctx.run.id),
      run: async (payload: { a: number }) => payload.a,
    });
    await attemptOf({ a: 1 });
    expect(calls).toEqual([
      ["init", { a: 1 }, "run_1"],
      ["onStart", { a: 1 }, "run_1"],
      ["onSuccess", { a: 1 }, 1, "run_1"],
      ["cleanup", { a: 1 }, "run_1"],
    ]);
  });

  it("of failures, with two parameters and with three", async () => {
    const calls: unknown[] = [];
    tasks.handleError(async (payload, error, { ctx }) => {
      calls.push(["three", payload, error.message, ctx.run.id]);
      return { skipRetrying: true };
    });
    task({
      id: "older",
      handleError: async (error, { ctx }) => void calls.push(["two", error.message, ctx.run.id]),
      onFailure: async (payload, error, { ctx }) => {
        calls.push(["onFailure", payload, error.message, ctx.run.id]);
      },
      run: async (_payload: number) => {
        throw new Error("no");
      },
    });
    await attemptOf(5);
    expect(calls).toEqual([
      ["two", "no", "run_1"],
      ["three", 5, "no", "run_1"],
      ["onFailure", 5, "no", "run_1"],
    ]);
  });
});
