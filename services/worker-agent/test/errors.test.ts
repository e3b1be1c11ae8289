import { expect, test } from "vitest";
import { exitError } from "../src/process/exit.ts";
import { isAbort, runErrorOf } from "../src/run-process/errors.ts";

test("what users' code throws, as v4 keeps it", () => {
  expect(runErrorOf(new TypeError("no"))).toEqual({
    type: "BUILT_IN_ERROR",
    name: "TypeError",
    message: "no",
    stackTrace: expect.stringContaining("errors.test.ts"),
  });
  expect(runErrorOf("text")).toEqual({ type: "STRING_ERROR", raw: "text" });
  expect(runErrorOf({ a: 1 })).toEqual({ type: "CUSTOM_ERROR", raw: '{"a":1}' });
  expect(runErrorOf(undefined)).toEqual({ type: "CUSTOM_ERROR", raw: "undefined" });
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  expect(runErrorOf(cycle)).toEqual({ type: "CUSTOM_ERROR", raw: "[object Object]" });
});

test("a stack has at most fifty frames, a message an end", () => {
  const error = new Error("x".repeat(100_000));
  const frames = Array.from({ length: 80 }, (_, i) => `    at f${i} (file.ts:1:1)`);
  error.stack = ["Error: first", "second line", ...frames].join("\n");
  const kept = runErrorOf(error);
  if (kept.type !== "BUILT_IN_ERROR") throw new Error("not built in");
  expect(kept.stackTrace.split("\n")).toHaveLength(52);
  expect(kept.message.length).toBeLessThan(20_000);
});

test("an error with a stack that throws is an error all the same", () => {
  const error = new Error("odd");
  Object.defineProperty(error, "stack", {
    get() {
      throw new Error("no stack for you");
    },
  });
  expect(runErrorOf(error)).toMatchObject({ name: "Error", message: "odd", stackTrace: "" });
});

test("the abort error is known by its name", () => {
  const abort = new Error("stop");
  abort.name = "AbortTaskRunError";
  expect(isAbort(abort)).toBe(true);
  expect(isAbort(new Error("AbortTaskRunError"))).toBe(false);
  expect(isAbort("AbortTaskRunError")).toBe(false);
});

test.each([
  [{ code: 0, signal: null }, "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE"],
  [{ code: 7, signal: null }, "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE"],
  [{ code: 134, signal: null }, "TASK_PROCESS_OOM_KILLED"],
  [{ code: null, signal: "SIGABRT" }, "TASK_PROCESS_OOM_KILLED"],
  [{ code: null, signal: "SIGKILL" }, "TASK_PROCESS_MAYBE_OOM_KILLED"],
  [{ code: 137, signal: null }, "TASK_PROCESS_MAYBE_OOM_KILLED"],
  [{ code: null, signal: "SIGSEGV" }, "TASK_PROCESS_SIGSEGV"],
  [{ code: null, signal: "SIGTERM" }, "TASK_PROCESS_SIGTERM"],
  [{ code: null, signal: "SIGHUP" }, "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE"],
] as const)("a process that ended with %j: %s", (exit, code) => {
  expect(exitError({ ...exit, outOfMemory: false })).toMatchObject({ code });
});

test("what the kernel says about memory comes first", () => {
  const exit = { code: null, signal: "SIGKILL", outOfMemory: true } as const;
  expect(exitError(exit)).toMatchObject({ code: "TASK_PROCESS_OOM_KILLED" });
});
