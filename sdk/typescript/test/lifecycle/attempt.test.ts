/** What an attempt gives back, and what it does beside calling hooks in order. */
import { LIMITS, STORED } from "@millrace/proto";
import { afterEach, describe, expect, it, vi } from "vitest";
import { NotFoundError, RateLimitError } from "../../src/errors.ts";
import {
  AbortTaskRunError,
  CompleteTaskWithOutput,
  metadata,
  OutOfMemoryError,
  task,
  tasks,
  waitUntil,
} from "../../src/index.ts";
import { contextOf, fakeRun } from "../fake-run.ts";
import { attemptOf, forgetGlobalHooks, open } from "./attempts.ts";

afterEach(() => {
  forgetGlobalHooks();
  vi.useRealTimers();
});

const nothing = (): void => undefined;

describe("a task without hooks", () => {
  it("is executed before run() returns, and ends at once when it gives no promise", () => {
    task({ id: "plain", run: (n: number) => n + 1 });
    const end = open().attempt.run({ data: "1", type: "application/json" });
    expect(end).toEqual({ ok: true, output: { data: "2", type: "application/json" } });
  });

  it("adds one microtask to the code's own", async () => {
    let settle: (value: string) => void = nothing;
    task({ id: "plain", run: () => new Promise<string>((resolve) => (settle = resolve)) });
    const end = open().attempt.run({ type: "application/json" });
    let isOver = false;
    void Promise.resolve(end).then(() => (isOver = true));
    settle("done");
    await Promise.resolve();
    expect(isOver).toBe(false);
    await Promise.resolve();
    expect(isOver).toBe(true);
  });

  it("fails as its code throws", () => {
    task({
      id: "plain",
      run: () => {
        throw new RangeError("no");
      },
    });
    const end = open(undefined, { maxAttempts: null }).attempt.run({ type: "application/json" });
    expect(end).toMatchObject({
      ok: false,
      error: { type: "BUILT_IN_ERROR", name: "RangeError", message: "no" },
      retry: null,
    });
  });

  it("fetches a stored payload, and stores a large output", async () => {
    task({ id: "plain", run: (payload: { n: number }) => "x".repeat(payload.n) });
    const run = fakeRun({
      calls: {
        "packets.load": () => ({
          data: `{"n":${LIMITS.inlineBytes + 1}}`,
          type: "application/json",
        }),
        "packets.store": () => ({ path: "out/1" }),
      },
    });
    const end = await open(run).attempt.run({ data: "in/1", type: STORED });
    expect(end).toEqual({ ok: true, output: { data: "out/1", type: STORED } });
    expect(run.asked.map(([name]) => name)).toEqual(["packets.load", "packets.store"]);
  });

  it("may try again when its payload could not be fetched, but not when it cannot be read", async () => {
    task({ id: "plain", retry: {}, run: nothing });
    const run = fakeRun({
      calls: { "packets.load": () => Promise.reject(new Error("no answer")) },
    });
    const unfetched = await open(run).attempt.run({ data: "in/1", type: STORED });
    expect(unfetched).toMatchObject({
      ok: false,
      error: { code: "TASK_INPUT_ERROR", message: expect.stringContaining("no answer") },
      retry: { delayMs: expect.any(Number) },
    });
    const unread = await open().attempt.run({ data: "{", type: "application/json" });
    expect(unread).toMatchObject({ ok: false, error: { code: "TASK_INPUT_ERROR" }, retry: null });
  });

  it.each([
    ["a function", () => ({ f: nothing })],
    [
      "what throws when it is read",
      () => ({
        get x() {
          throw new Error("no");
        },
      }),
    ],
    ["over ten megabytes", () => "x".repeat(LIMITS.storedBytes + 1)],
  ])("fails for good with a result that is %s", async (_what, run) => {
    task({ id: "plain", retry: {}, run: run as () => unknown });
    expect(await attemptOf(null)).toMatchObject({
      ok: false,
      error: { code: "TASK_OUTPUT_ERROR" },
      retry: null,
    });
  });
});

describe("what ends an attempt in another way", () => {
  const ending = (error: Error, retry: object = {}, hooks: object = {}) =>
    task({
      id: "ending",
      retry,
      ...hooks,
      run: () => {
        throw error;
      },
    });

  it.each([{}, { onSuccess: nothing }])(
    "CompleteTaskWithOutput is a success (%o)",
    async (hooks) => {
      ending(new CompleteTaskWithOutput({ early: true }), {}, hooks);
      expect(await attemptOf(null)).toMatchObject({ ok: true, output: { data: '{"early":true}' } });
    },
  );

  it("AbortTaskRunError and refused calls of the platform are final, but not those worth repeating", async () => {
    ending(new AbortTaskRunError("stop"));
    expect(await attemptOf(null)).toMatchObject({ retry: null });
    ending(new NotFoundError(404, "gone"));
    expect(await attemptOf(null)).toMatchObject({ retry: null });
    ending(new RateLimitError(429, "slowly"));
    expect(await attemptOf(null)).toMatchObject({ retry: { delayMs: expect.any(Number) } });
    const headers = { "x-ratelimit-reset": String(Date.now() + 3_600_000) };
    ending(new RateLimitError(429, "later", undefined, { headers }));
    const end = await attemptOf(null);
    if (end.ok) throw new Error("It was to fail");
    expect(end.retry?.delayMs).toBeGreaterThan(3_590_000);
  });

  it("OutOfMemoryError goes to a larger machine once, whatever the attempts", async () => {
    const settings = { maxAttempts: 1 };
    ending(new OutOfMemoryError(), { outOfMemory: { machine: "large-1x" } });
    expect(await attemptOf(null, fakeRun(), settings)).toMatchObject({
      error: { name: "OutOfMemoryError", message: "MANUAL_OOM_KILL_ERROR" },
      retry: { delayMs: 0, machine: "large-1x" },
    });
    const there = fakeRun({}, contextOf({ machine: { name: "large-1x" } }));
    expect(await attemptOf(null, there, settings)).toMatchObject({ retry: null });
    ending(new OutOfMemoryError());
    expect(await attemptOf(null)).toMatchObject({ retry: null });
  });
});

describe("middleware", () => {
  it("that never calls next() fails the attempt and says so", async () => {
    const ran = vi.fn<() => void>();
    task({ id: "stuck", middleware: nothing, run: ran });
    expect(await attemptOf(null)).toMatchObject({
      ok: false,
      error: {
        code: "TASK_MIDDLEWARE_ERROR",
        message: expect.stringContaining("without calling next()"),
      },
    });
    expect(ran).not.toHaveBeenCalled();
  });

  it("that does not wait for next() does not end the attempt early", async () => {
    task({
      id: "hasty",
      middleware: ({ next }) => void next(),
      run: async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return "late";
      },
    });
    expect(await attemptOf(null)).toMatchObject({ ok: true, output: { data: "late" } });
  });

  it("that calls next() twice fails, and the code has run once", async () => {
    const ran = vi.fn<() => void>();
    task({
      id: "twice",
      middleware: async ({ next }) => {
        await next();
        await next();
      },
      run: ran,
    });
    expect(await attemptOf(null)).toMatchObject({ error: { code: "TASK_MIDDLEWARE_ERROR" } });
    expect(ran).toHaveBeenCalledTimes(1);
  });
});

describe("init", () => {
  it("gives everything after it what all of them return, the task's last", async () => {
    const seen: unknown[] = [];
    tasks.init(() => ({ a: 1, b: 1 }));
    task({
      id: "init",
      init: async () => ({ b: 2 }),
      onStart: ({ init }) => seen.push(init),
      run: (_payload: null, { init }) => seen.push(init),
      cleanup: ({ init }) => seen.push(init),
    });
    await attemptOf(null);
    expect(seen).toEqual(Array.from({ length: 3 }, () => ({ a: 1, b: 2 })));
  });
});

describe("a hook whose error changes nothing", () => {
  it("is told in the run's log", async () => {
    task({
      id: "clumsy",
      onSuccess: () => {
        throw new Error("oops");
      },
      run: () => 1,
    });
    const run = fakeRun();
    expect(await attemptOf(null, run)).toMatchObject({ ok: true });
    expect(run.asked).toEqual([
      [
        "log",
        expect.objectContaining({
          level: "error",
          message: expect.stringMatching(/^onSuccess threw: Error: oops/),
        }),
      ],
    ]);
  });
});

describe("cancelling", () => {
  it("tells onCancel, with what the code still gives, and then only cleanup", async () => {
    const calls: string[] = [];
    task({
      id: "cancelled",
      onCancel: async ({ runPromise }) => void calls.push(`onCancel ${String(await runPromise)}`),
      onSuccess: () => calls.push("onSuccess"),
      onComplete: () => calls.push("onComplete"),
      cleanup: () => calls.push("cleanup"),
      run: async (_payload: null, { signal }) => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        return "partial";
      },
    });
    const { attempt, run } = open();
    const end = attempt.run({ data: "null", type: "application/json" });
    await new Promise((resolve) => setImmediate(resolve));
    run.abort.abort();
    await attempt.cancel();
    await end;
    expect(calls.toSorted()).toEqual(["cleanup", "onCancel partial"]);
  });

  it("waits ten seconds for hooks, not longer", async () => {
    task({ id: "slow", onCancel: () => new Promise(nothing), run: () => new Promise(nothing) });
    const { attempt } = open();
    void attempt.run({ type: "application/json" });
    await new Promise((resolve) => setImmediate(resolve));
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    const cancelled = vi.fn<() => void>();
    void attempt.cancel().then(cancelled);
    await vi.advanceTimersByTimeAsync(9999);
    expect(cancelled).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(cancelled).toHaveBeenCalled();
  });
});

describe("aborting", () => {
  const HOOKS = ["onSuccess", "onFailure", "onComplete", "catchError", "cleanup"] as const;
  async function abortedBy(reason: Error) {
    const calls: string[] = [];
    task({
      id: "aborted",
      retry: {},
      ...Object.fromEntries(HOOKS.map((name) => [name, () => void calls.push(name)])),
      run: async (_payload: null, { signal }) => {
        await new Promise((_resolve, reject) => signal.addEventListener("abort", reject));
      },
    });
    const { attempt, run } = open();
    const ending = attempt.run({ data: "null", type: "application/json" });
    await new Promise((resolve) => setImmediate(resolve));
    run.abort.abort(reason);
    return { end: await ending, calls };
  }

  it("tells nobody how the attempt ends: its run goes on elsewhere", async () => {
    const { end, calls } = await abortedBy(new DOMException("elsewhere", "AbortError"));
    expect(end).toMatchObject({ ok: false, retry: null });
    expect(calls).toEqual(["cleanup"]);
  });

  it("for its time is a final failure", async () => {
    const { end, calls } = await abortedBy(new DOMException("too long", "TimeoutError"));
    expect(end).toMatchObject({ error: { code: "MAX_DURATION_EXCEEDED" }, retry: null });
    expect(calls).toEqual(["onFailure", "onComplete", "cleanup"]);
  });
});

describe("a durable wait", () => {
  it("writes metadata first, then tells the hooks", async () => {
    const run = fakeRun();
    const date = new Date(0);
    task({
      id: "waiting",
      onWait: ({ wait }) => run.asked.push(["onWait", wait]),
      onResume: ({ wait }) => run.asked.push(["onResume", wait]),
      run: async () => {
        metadata.set("a", 1);
        await attempt.onWait({ type: "duration", date });
        await attempt.onResume({ type: "duration", date });
      },
    });
    const { attempt } = open(run);
    await attempt.run({ type: "application/json" });
    expect(run.asked).toEqual([
      ["metadata.update", { runId: "run_1", operations: [{ type: "set", key: "a", value: 1 }] }],
      ["onWait", { type: "duration", date }],
      ["onResume", { type: "duration", date }],
    ]);
  });
});

describe("what is left behind", () => {
  it.each([{}, { onSuccess: nothing }])(
    "is waited for: promises, then metadata (%o)",
    async (hooks) => {
      const run = fakeRun();
      task({
        id: "leaving",
        ...hooks,
        run: () => {
          const work = async (): Promise<never> => {
            await new Promise((resolve) => setTimeout(resolve, 5));
            metadata.set("late", true);
            throw new Error("nobody minds");
          };
          waitUntil(work());
        },
      });
      expect(await attemptOf(null, run)).toMatchObject({ ok: true });
      expect(run.asked).toMatchObject([["metadata.update", { operations: [{ key: "late" }] }]]);
    },
  );

  it("is given up after a minute", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    task({ id: "endless", run: () => waitUntil(new Promise(nothing)) });
    const ended = vi.fn<() => void>();
    void attemptOf(null).then(ended);
    await vi.advanceTimersByTimeAsync(59_999);
    expect(ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(ended).toHaveBeenCalled();
  });
});
