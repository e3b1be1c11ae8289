import { expect, test } from "vitest";
import { exitError } from "../src/process/exit.ts";

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
