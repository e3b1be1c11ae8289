/** What counts when nobody says anything, and what a configuration says without effect. */
import { acceptTrigger, CALLS, LIMITS, type TaskRecord } from "@millrace/proto";
import { defineConfig, task, type TriggerConfig } from "@millrace/sdk";
import { definedConfig, definedTasks, openAttempt } from "@millrace/sdk/internal";
import { expect, test, vi } from "vitest";

const TASK: TaskRecord = {
  id: "plain",
  queue: "task/plain",
  machine: "small-1x",
  isolation: "process",
  filePath: "plain.ts",
};

test("a run has no time to live unless somebody gives it one", () => {
  const context = {
    env: "dev",
    queue: { name: "task/plain", type: "task" as const, concurrencyLimit: null },
    nowMs: 1000,
    identity: { runId: "run_0000000000a000000000000000b" },
  };
  const ttlOf = (ttl: number | undefined, own: number | undefined) => {
    const task = { ...TASK, ...(own === undefined ? {} : { ttlMs: own }) };
    const body = ttl === undefined ? {} : { options: { ttl } };
    const accepted = acceptTrigger("plain", body, { ...context, task });
    return accepted.ok ? accepted.data.ttlMs : accepted;
  };
  expect(ttlOf(undefined, undefined)).toBeUndefined();
  expect(ttlOf(undefined, 5000)).toBe(5000);
  expect(ttlOf(7, 5000)).toBe(7000);
});

test("a configuration may be empty", () => {
  defineConfig({});
  expect(definedConfig()).toEqual({ withoutEffect: [], written: {} });
});

test("a schedule's keys have their lengths", () => {
  const isTaken = (deduplicationKey: string, externalId: string) =>
    CALLS["schedules.create"].safeParse({
      task: "plain",
      cron: "0 9 * * *",
      deduplicationKey,
      externalId,
    }).success;
  const key = "k".repeat(LIMITS.deduplicationKeyLength);
  const id = "i".repeat(LIMITS.externalIdLength);
  expect(isTaken(key, id)).toBe(true);
  expect(isTaken(`${key}k`, id)).toBe(false);
  expect(isTaken(key, `${id}i`)).toBe(false);
});

const KEPT: readonly [keyof TriggerConfig, unknown][] = [
  ["project", "proj_1"],
  ["tsconfig", "./tsconfig.tasks.json"],
  ["runtime", "node-22"],
  ["enableConsoleLogging", true],
  ["disableConsoleInterceptor", true],
  ["processKeepAlive", { enabled: true, maxExecutionsPerProcess: 50 }],
  ["telemetry", { instrumentations: [] }],
  ["instrumentations", []],
  ["build", { external: ["sharp"] }],
  ["deploy", { env: { A: "1" } }],
  ["extraCACerts", "./ca.pem"],
  ["compatibilityFlags", ["run_engine_v2"]],
  ["features", ["run_engine_v2"]],
  ["legacyDevProcessCwdBehaviour", false],
];
test.each(KEPT)("the configuration's %s is read and kept", (field, value) => {
  defineConfig({ [field]: value } as TriggerConfig);
  expect(definedConfig()?.written).toEqual({ [field]: value });
});

test("the configuration's middleware is a hook for all tasks", async () => {
  const order: string[] = [];
  defineConfig({
    middleware: async ({ next }) => {
      order.push("in");
      await next();
      order.push("out");
    },
    cleanup: () => void order.push("cleanup"),
  });
  task({ id: "configured", run: () => void order.push("run") });
  const defined = definedTasks().find(({ id }) => id === "configured");
  if (!defined) throw new Error("not defined");
  const scope = {
    ctx: { attempt: { number: 1 }, run: { id: "run_1" }, machine: { name: "micro" } },
    host: { log: vi.fn(), call: vi.fn() },
    signal: new AbortController().signal,
    storage: new Map(),
  } as unknown as Parameters<typeof openAttempt>[1];
  const end = await openAttempt(defined, scope, { maxAttempts: null }).run({
    data: "null",
    type: "application/json",
  });
  expect(end).toMatchObject({ ok: true });
  expect(order).toEqual(["in", "run", "cleanup", "out"]);
});
