import { expect, test } from "vitest";
import type { RunError } from "@millrace/proto";
import { decideAgain, decideRetry, statedError, type FailedAttempt } from "../src/agent/retry.ts";

const error: RunError = { type: "STRING_ERROR", raw: "no" };
const now = { atMs: 1000, chance: 0, mayStay: true };
const run: FailedAttempt = { attempt: 1, maxAttempts: 3, machine: "small-1x", retry: {} };

function internal(code: string): RunError {
  return { type: "INTERNAL_ERROR", code };
}

test("what the process has decided is done: a short pause here, a long one in the queue", () => {
  const after = (delayMs: number) => ({ error, decided: { delayMs } });
  expect(decideRetry(run, after(1000), now)).toEqual({ at: 2000, where: "agent" });
  expect(decideRetry(run, after(29_999), now)?.where).toBe("agent");
  expect(decideRetry(run, after(30_000), now)).toEqual({ at: 31_000, where: "queue" });
  expect(decideRetry(run, after(0), { ...now, mayStay: false })?.where).toBe("queue");
  expect(decideRetry(run, { error, decided: null }, now)).toBeNull();
});

test("what the process could not decide follows the settings, in the queue", () => {
  const crash = { error: internal("TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE") };
  expect(decideRetry(run, crash, now)).toEqual({ at: 2000, where: "queue" });
  const retry = { minTimeoutInMs: 10 };
  expect(decideRetry({ ...run, retry }, crash, now)).toEqual({ at: 1010, where: "queue" });
  const middleware = { error: internal("TASK_MIDDLEWARE_ERROR"), decided: { delayMs: 7 } };
  expect(decideRetry(run, middleware, now)).toEqual({ at: 2000, where: "queue" });
});

test("no attempt after the last one, without settings, of what is final, or beyond 250", () => {
  const failure = { error, decided: { delayMs: 0 } };
  expect(decideRetry({ ...run, attempt: 3 }, failure, now)).toBeNull();
  expect(decideRetry({ ...run, maxAttempts: null }, failure, now)).toBeNull();
  expect(decideRetry(run, { error: internal("TASK_DID_CONCURRENT_WAIT") }, now)).toBeNull();
  const many = { ...run, maxAttempts: 1000 };
  expect(decideRetry({ ...many, attempt: 249 }, failure, now)).not.toBeNull();
  expect(decideRetry({ ...many, attempt: 250 }, failure, now)).toBeNull();
});

test.each(["TASK_PROCESS_OOM_KILLED", "TASK_PROCESS_MAYBE_OOM_KILLED"])(
  "%s is tried once more on the machine named for it, whatever attempts are left",
  (code) => {
    const failure = { error: internal(code) };
    expect(decideRetry(run, failure, now)).toBeNull();
    const retry = { outOfMemory: { machine: "medium-1x" as const } };
    const last = { ...run, attempt: 3, retry };
    expect(decideRetry(last, failure, now)).toMatchObject({ where: "queue", machine: "medium-1x" });
    expect(decideRetry({ ...last, machine: "medium-1x" }, failure, now)).toBeNull();
  },
);

test("code that says it ran out of memory is taken at its word", () => {
  const said: RunError = {
    type: "BUILT_IN_ERROR",
    name: "OutOfMemoryError",
    message: "MANUAL_OOM_KILL_ERROR",
    stackTrace: "",
  };
  expect(statedError(said)).toMatchObject({ code: "TASK_PROCESS_OOM_KILLED" });
  expect(statedError(error)).toBe(error);
});

test("an attempt whose end was not the code's failure is followed by another one, at once", () => {
  expect(decideAgain({ ...run, maxAttempts: null }, now)).toEqual({ at: 1000, where: "agent" });
  expect(decideAgain({ ...run, attempt: 250 }, now)).toBeNull();
});
