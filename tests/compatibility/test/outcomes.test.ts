/** How runs end: every way out of a task's code, as the API shows it. One Millrace, all runs at once. */
import { join } from "node:path";
import { configure, runs, shutdown, tasks, type TriggerOptions } from "@millrace/sdk";
import { Millrace, until } from "@millrace/harness";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

type Way = {
  readonly task: string;
  readonly payload?: unknown;
  readonly options?: TriggerOptions;
  /** 2: it was tried again. */
  readonly attempts: number;
  readonly error?: { readonly name?: string; readonly message?: RegExp };
  readonly output?: unknown;
};

const WAYS: readonly [what: string, status: string, Way][] = [
  [
    "a process that exits with a code",
    "CRASHED",
    {
      task: "exits",
      attempts: 2,
      error: { name: "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE", message: /code 3/ },
    },
  ],
  [
    "a process that exits with 0 before its run has ended",
    "CRASHED",
    { task: "leaves", attempts: 2, error: { name: "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE" } },
  ],
  [
    "SIGTERM",
    "SYSTEM_FAILURE",
    { task: "ended", attempts: 2, error: { name: "TASK_PROCESS_SIGTERM" } },
  ],
  [
    "SIGKILL",
    "CRASHED",
    { task: "killed", attempts: 1, error: { name: "TASK_PROCESS_MAYBE_OOM_KILLED" } },
  ],
  ["SIGSEGV", "CRASHED", { task: "faults", attempts: 2, error: { name: "TASK_PROCESS_SIGSEGV" } }],
  [
    "an uncaught exception",
    "FAILED",
    {
      task: "throws-later",
      attempts: 2,
      error: { name: "TASK_RUN_UNCAUGHT_EXCEPTION", message: /nobody can catch this/ },
    },
  ],
  [
    "an unhandled rejection",
    "FAILED",
    {
      task: "rejects",
      attempts: 2,
      error: { name: "TASK_RUN_UNCAUGHT_EXCEPTION", message: /nobody looks/ },
    },
  ],
  [
    "memory that runs out",
    "CRASHED",
    { task: "hungry", attempts: 1, error: { name: "TASK_PROCESS_OOM_KILLED" } },
  ],
  [
    "OutOfMemoryError without a larger machine",
    "CRASHED",
    {
      task: "says-hungry",
      attempts: 1,
      error: { name: "TASK_PROCESS_OOM_KILLED", message: /MANUAL_OOM_KILL_ERROR/ },
    },
  ],
  [
    "OutOfMemoryError with a larger machine",
    "COMPLETED",
    { task: "grows", attempts: 2, output: "small-1x" },
  ],
  [
    "more time than maxDuration",
    "TIMED_OUT",
    { task: "slow", attempts: 1, error: { name: "MAX_DURATION_EXCEEDED" } },
  ],
  [
    "a payload the schema refuses",
    "FAILED",
    {
      task: "strict",
      payload: { n: "one" },
      attempts: 1,
      error: { name: "TASK_INPUT_ERROR" },
    },
  ],
  [
    "an output that has no serial form",
    "FAILED",
    { task: "unwritable", attempts: 1, error: { name: "TASK_OUTPUT_ERROR" } },
  ],
  [
    "a middleware that throws",
    "FAILED",
    { task: "between", attempts: 2, error: { name: "TASK_MIDDLEWARE_ERROR" } },
  ],
  [
    "two waits at once",
    "SYSTEM_FAILURE",
    { task: "waits-twice", attempts: 1, error: { name: "TASK_DID_CONCURRENT_WAIT" } },
  ],
  [
    "AbortTaskRunError",
    "FAILED",
    { task: "aborts", attempts: 1, error: { name: "AbortTaskRunError", message: /no more/ } },
  ],
  [
    "an error on every attempt",
    "FAILED",
    { task: "broken", attempts: 2, error: { name: "TypeError", message: /on every attempt/ } },
  ],
  [
    "an error of a task without retry settings",
    "FAILED",
    { task: "broken-once", attempts: 1, error: { name: "TypeError" } },
  ],
  [
    "an error of a run with maxAttempts 1",
    "FAILED",
    { task: "broken", options: { maxAttempts: 1 }, attempts: 1, error: { name: "TypeError" } },
  ],
  [
    "a thrown text",
    "FAILED",
    { task: "throws-text", attempts: 1, error: { message: /^just text$/ } },
  ],
  [
    "a thrown object",
    "FAILED",
    { task: "throws-object", attempts: 1, error: { message: /^\{"reason":7\}$/ } },
  ],
  ["CompleteTaskWithOutput", "COMPLETED", { task: "completes", attempts: 1, output: "early" }],
  [
    "a call the platform refuses",
    "FAILED",
    { task: "refused-call", attempts: 1, error: { name: "NotFoundError" } },
  ],
  [
    "catchError that says skipRetrying",
    "FAILED",
    { task: "judged", payload: "skipRetrying", attempts: 1, error: { message: /the first one/ } },
  ],
  [
    "catchError that says error",
    "FAILED",
    { task: "judged", payload: "error", attempts: 1, error: { message: /another one/ } },
  ],
  [
    "catchError that throws",
    "CRASHED",
    {
      task: "judged",
      payload: "throws",
      attempts: 1,
      error: { name: "HANDLE_ERROR_ERROR", message: /a hook's own/ },
    },
  ],
  [
    "a middleware that does not call next()",
    "FAILED",
    { task: "idle-middleware", attempts: 1, error: { name: "TASK_MIDDLEWARE_ERROR" } },
  ],
  ["a task that gives nothing", "COMPLETED", { task: "forgetful", attempts: 1 }],
  [
    "catchError that says retryAt",
    "COMPLETED",
    { task: "judged", payload: "retryAt", attempts: 2, output: 2 },
  ],
  [
    "catchError that says retryDelayInMs",
    "COMPLETED",
    { task: "judged", payload: "retryDelayInMs", attempts: 2, output: 2 },
  ],
  [
    "catchError that says retry",
    "COMPLETED",
    { task: "judged", payload: "retry", attempts: 2, output: 2 },
  ],
  [
    "a time to live that is over",
    "EXPIRED",
    {
      task: "echo",
      options: { ttl: 1, region: "nowhere" },
      attempts: 0,
      error: { message: /TTL/i },
    },
  ],
  [
    "a time to live that is over after a delay",
    "EXPIRED",
    {
      task: "echo",
      options: { delay: "2s", ttl: 1, region: "nowhere" },
      attempts: 0,
      error: { message: /TTL/i },
    },
  ],
  [
    "a child that fails, in its parent",
    "COMPLETED",
    { task: "parent", payload: { child: "aborts" }, attempts: 1, output: "no more" },
  ],
  [
    "a child that crashes, in its parent",
    "COMPLETED",
    {
      task: "parent",
      payload: { child: "killed" },
      attempts: 1,
      output: expect.stringMatching(/killed/) as unknown,
    },
  ],
  [
    "a child that expires, in its parent",
    "COMPLETED",
    {
      task: "parent",
      payload: { child: "echo", ttl: "1s" },
      attempts: 1,
      output: expect.stringMatching(/TTL/i) as unknown,
    },
  ],
];

const COMPLETED = ["COMPLETED", "CANCELED", "FAILED", "CRASHED", "SYSTEM_FAILURE"];

let millrace: Millrace;
/** By what happened: the run to which it did. */
const triggered = new Map<string, string>();

beforeAll(async () => {
  millrace = await Millrace.start();
  await millrace.agent(join(import.meta.dirname, "../tasks"), { MILLRACE_CPUS: "4" });
  configure({ baseURL: millrace.apiUrl, secretKey: millrace.secretKey });
  for (const [what, , { task, payload = null, options }] of WAYS)
    triggered.set(what, (await tasks.trigger(task, payload, options)).id);
});
afterAll(async () => {
  await shutdown();
  await millrace.stop();
});

const ended = async (id: string) => await runs.poll(id, { pollIntervalMs: 50 });

test.each(WAYS)("%s: %s", async (what, status, { attempts, error, output }) => {
  const run = await ended(triggered.get(what) ?? "");
  expect(run).toMatchObject({
    status,
    attemptCount: attempts,
    isCompleted: COMPLETED.includes(status),
    isSuccess: status === "COMPLETED",
    isFailed: COMPLETED.includes(status) && status !== "COMPLETED",
    isCancelled: false,
  });
  if (error?.name !== undefined) expect(run.error?.name).toBe(error.name);
  if (error?.message !== undefined) expect(run.error?.message).toMatch(error.message);
  if (error === undefined) {
    expect(run.error).toBeUndefined();
    expect(run.output).toEqual(output);
  }
});

test("the time to live counts from the end of the delay", async () => {
  const run = await ended(triggered.get("a time to live that is over after a delay") ?? "");
  const { delayedUntil, expiredAt } = run;
  expect(Number(expiredAt) - Number(delayedUntil)).toBeGreaterThanOrEqual(1000);
});

test("a maxDuration of one second counts as five", async () => {
  const run = await ended(triggered.get("more time than maxDuration") ?? "");
  expect(run.durationMs).toBeGreaterThanOrEqual(4900);
});

describe("a cancelled run", () => {
  test("that executes ends CANCELED", async () => {
    const { id } = await tasks.trigger("listens", null);
    await until("it runs", async () => (await runs.retrieve(id)).status === "EXECUTING");
    await runs.cancel(id);
    expect(await ended(id)).toMatchObject({ status: "CANCELED", isCancelled: true });
  });

  test("that is delayed ends CANCELED without an attempt", async () => {
    const { id } = await tasks.trigger("echo", null, { delay: "1h" });
    await runs.cancel(id);
    const run = await ended(id);
    expect(run).toMatchObject({ status: "CANCELED", isCancelled: true, attemptCount: 0 });
  });
});

describe("ctx", () => {
  let id: string;
  let shown: Readonly<Record<string, unknown>>;
  beforeAll(async () => {
    ({ id } = await tasks.trigger("context", null, {
      tags: ["tagged"],
      idempotencyKey: "told",
      priority: 3,
      maxAttempts: 2,
      test: true,
    }));
    shown = (await ended(id)).output as typeof shown;
  });

  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as unknown;
  const FIELDS: readonly [string, unknown][] = [
    ["attempt.number", 1],
    ["attempt.startedAt", time],
    ["run.tags", ["tagged"]],
    ["run.isTest", true],
    ["run.isReplay", false],
    ["run.createdAt", time],
    ["run.startedAt", time],
    ["run.idempotencyKey", "told"],
    ["run.idempotencyKeyScope", "run"],
    ["run.maxAttempts", 2],
    ["run.maxDuration", 60],
    ["run.priority", 3],
    ["task.id", "context"],
    ["task.filePath", expect.stringMatching(/outcomes\.ts$/)],
    ["queue.id", expect.stringMatching(/^queue_/)],
    ["queue.name", "task/context"],
    ["environment.id", "dev"],
    ["environment.slug", "dev"],
    ["environment.type", "DEVELOPMENT"],
    ["organization.id", "default"],
    ["organization.slug", "default"],
    ["organization.name", "default"],
    ["project.id", "default"],
    ["project.ref", "default"],
    ["project.slug", "default"],
    ["project.name", "default"],
    ["machine.name", "small-1x"],
    ["machine.cpu", 0.5],
    ["machine.memory", 0.5],
    ["machine.centsPerMs", 0],
  ];
  test.each(FIELDS)("has %s", (path, expected) => {
    expect(shown).toHaveProperty(`ctx.${path}`, expected);
  });

  test("has run.id, and the signal is beside it", () => {
    expect(shown).toMatchObject({ ctx: { run: { id } }, hasSignal: true });
  });

  test("has run.parentTaskRunId, run.rootTaskRunId and batch.id of a child", async () => {
    const parent = await tasks.trigger("family", null);
    expect((await ended(parent.id)).output).toMatchObject({
      run: { parentTaskRunId: parent.id, rootTaskRunId: parent.id },
      batch: { id: expect.stringMatching(/^batch_/) },
    });
  });

  test.each(["environment.branchName", "environment.git", "deployment", "run.version"])(
    "has no %s without a deployment",
    (path) => {
      expect(shown).not.toHaveProperty(`ctx.${path}`);
    },
  );
});

// Whoever builds one of them takes it from here, and changes its row of docs/compatibility.md.
test.each([
  ["GET", "/api/v1/concurrency-limits"],
  ["POST", "/api/v1/query"],
  ["POST", "/api/v1/sessions"],
  ["GET", "/api/v1/prompts"],
  ["POST", "/api/v1/webhooks"],
  ["POST", "/api/v1/auth/oidc/token"],
])("%s %s is answered that there is no such endpoint", async (method, path) => {
  const response = await fetch(`${millrace.apiUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${millrace.secretKey}`, "content-type": "application/json" },
    ...(method === "POST" ? { body: "{}" } : {}),
  });
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ code: "ROUTE_NOT_FOUND" });
});
