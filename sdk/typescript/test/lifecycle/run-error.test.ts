import { expect, it } from "vitest";
import { internalError, runErrorOf } from "../../src/lifecycle/run-error.ts";

it("keeps what users' code throws as v4 does", () => {
  expect(runErrorOf(new TypeError("no"))).toEqual({
    type: "BUILT_IN_ERROR",
    name: "TypeError",
    message: "no",
    stackTrace: expect.stringContaining("run-error.test.ts"),
  });
  expect(runErrorOf("text")).toEqual({ type: "STRING_ERROR", raw: "text" });
  expect(runErrorOf({ a: 1 })).toEqual({ type: "CUSTOM_ERROR", raw: '{"a":1}' });
  expect(runErrorOf(undefined)).toEqual({ type: "CUSTOM_ERROR", raw: "undefined" });
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  expect(runErrorOf(cycle)).toEqual({ type: "CUSTOM_ERROR", raw: "[object Object]" });
});

it("keeps at most fifty frames of a stack, and of a message its beginning", () => {
  const error = new Error("x".repeat(100_000));
  const frames = Array.from({ length: 80 }, (_, i) => `    at f${i} (file.ts:1:1)`);
  error.stack = ["Error: first", "second line", ...frames].join("\n");
  const kept = runErrorOf(error);
  if (kept.type !== "BUILT_IN_ERROR") throw new Error("not built in");
  expect(kept.stackTrace.split("\n")).toHaveLength(52);
  expect(kept.message.length).toBeLessThan(20_000);
});

it("takes an error whose stack throws for an error all the same", () => {
  const error = new Error("odd");
  Object.defineProperty(error, "stack", {
    get() {
      throw new Error("no stack for you");
    },
  });
  expect(runErrorOf(error)).toMatchObject({ name: "Error", message: "odd", stackTrace: "" });
});

it("gives an error of the platform's the stack of its cause, if there is one", () => {
  expect(internalError("TASK_INPUT_ERROR", "no")).toEqual({
    type: "INTERNAL_ERROR",
    code: "TASK_INPUT_ERROR",
    message: "no",
  });
  expect(internalError("TASK_INPUT_ERROR", "no", new Error("why"))).toMatchObject({
    stackTrace: expect.stringContaining("Error: why"),
  });
});
