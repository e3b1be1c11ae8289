import { expect, test } from "vitest";
import type { Wait } from "@millrace/proto";
import { ProcessHost } from "../src/run-process/host.ts";
import { childrenKey, durationKey, replay, tokenWaitKey } from "../src/run-process/replay.ts";
import type { FromRun } from "../src/process/messages.ts";

const calls = [{ taskId: "a", body: { payload: { n: 1 } } }];
const key = childrenKey(calls);
const result = {
  ok: true,
  id: "run_1",
  taskIdentifier: "a",
  output: "2",
  outputType: "application/json",
} as const;

const slept: Wait = { kind: "duration", key: "duration:0", until: 5000, done: true };
const answered: Wait = {
  kind: "children",
  key,
  batchId: null,
  open: 0,
  children: [{ runId: "run_1", taskId: "a", result }],
};
const open: Wait = {
  ...answered,
  open: 1,
  children: [{ runId: "run_1", taskId: "a", result: null }],
};

test("the same question at the same place is answered from the log", () => {
  expect(replay([slept], 0, { kind: "duration", key: durationKey(0) }).kind).toBe("answered");
  expect(replay([slept, answered], 1, { kind: "children", key })).toEqual({
    kind: "answered",
    wait: answered,
  });
  expect(replay([slept], 1, { kind: "children", key })).toEqual({ kind: "new" });
  expect(replay([open], 0, { kind: "children", key })).toEqual({ kind: "open" });
});

test("another question at the same place is not", () => {
  expect(replay([answered], 0, { kind: "duration", key: durationKey(0) }).kind).toBe("mismatch");
  const other = childrenKey([{ taskId: "a", body: { payload: { n: 2 } } }]);
  expect(replay([answered], 0, { kind: "children", key: other })).toEqual({
    kind: "mismatch",
    message: `The code took another path than before the wait: expected ${key}, got ${other}`,
  });
});

test("a key names the tasks and tells payloads, order and number apart", () => {
  const [call] = calls;
  if (!call) throw new Error("no call");
  expect(key).toMatch(/^children:a:1:[0-9a-f]{12}$/);
  const b = { taskId: "b", body: {} };
  const keys = [[call], [call, call], [call, b], [b, call], [b]].map(childrenKey);
  expect(new Set(keys).size).toBe(keys.length);
  const many = Array.from({ length: 1000 }, (_, i) => ({ taskId: `task-${i}`, body: {} }));
  expect(childrenKey(many).length).toBeLessThan(80);
});

const token: Wait = {
  kind: "token",
  key: tokenWaitKey("waitpoint_1"),
  tokenId: "waitpoint_1",
  timeoutAt: null,
  result: { ok: true, output: "7", outputType: "application/json" },
};

type Host = { readonly host: ProcessHost; readonly sent: FromRun[]; readonly hooks: string[] };

function hostOf(waits: readonly Wait[]): Host {
  const sent: FromRun[] = [];
  const hooks: string[] = [];
  const host = new ProcessHost({
    ref: 7,
    waits,
    activeMs: { attempt: 10, total: 20 },
    send: (message) => void sent.push(message),
    onStrayed: (message) => void hooks.push(message),
  });
  host.hooks = {
    onWait: async (info) => void hooks.push(`wait ${JSON.stringify(info)}`),
    onResume: async (info) => void hooks.push(`resume ${info.type}`),
  };
  return { host, sent, hooks };
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 5));
}

test("a host answers from the log first, then asks with the next index", async () => {
  const { host, sent, hooks } = hostOf([slept, answered, token]);
  expect(host.hasWaitedUntil(5000)).toBe(true);
  expect(host.hasWaitedUntil(5001)).toBe(false);
  await host.waitUntil(9000);
  expect(host.hasWaitedUntil(5000)).toBe(false);
  expect(await host.triggerAndWait(calls, false)).toMatchObject([result]);
  expect(await host.waitForToken("waitpoint_1")).toEqual(token.result);
  expect([sent, hooks]).toEqual([[], []]);
  const asked = host.triggerAndWait(calls, false);
  await settle();
  expect(sent).toMatchObject([{ type: "plan-children", ref: 7, index: 3, key }]);
  host.questions.answered(0, { kind: "planned-children", batchId: null, runIds: ["run_1"] });
  await settle();
  expect(hooks).toEqual(['wait {"type":"task","runId":"run_1"}']);
  expect(sent[1]).toEqual({ type: "wait-planned", ref: 7, call: 1, index: 3 });
  host.questions.answered(1, { kind: "resumed", wait: answered });
  expect(await asked).toMatchObject([result]);
  expect(hooks.at(-1)).toBe("resume task");
});

test("time that is waited is not active time", async () => {
  const { host } = hostOf([]);
  const asked = host.waitUntil(Date.now() + 10_000);
  await settle();
  const before = host.activeMs();
  expect(before.attempt).toBeGreaterThanOrEqual(10);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(host.activeMs()).toEqual(before);
  host.questions.answered(0, { kind: "resumed", wait: slept });
  await asked;
  await settle();
  const after = host.activeMs();
  expect(after.attempt).toBeGreaterThan(before.attempt);
  expect(after.attempt - before.attempt).toBeLessThan(45);
  expect(after.total - after.attempt).toBeCloseTo(10);
});

test("a refused call takes no index, and no hook hears of it", async () => {
  const { host, sent, hooks } = hostOf([]);
  for (const call of [0, 1]) {
    const asked = host.triggerAndWait(calls, false);
    void settle().then(() => {
      const error = { code: "TASK_NOT_FOUND", status: 404, message: "no" };
      host.questions.answered(call, { kind: "refused", error });
    });
    await expect(asked).rejects.toMatchObject({ status: 404, code: "TASK_NOT_FOUND" });
  }
  expect(sent.map((message) => message.type === "plan-children" && message.index)).toEqual([0, 0]);
  expect(hooks).toEqual([]);
});

test("code that asks something else goes no further", async () => {
  const { host, sent, hooks } = hostOf([answered]);
  const outcome = await Promise.race([
    host.waitUntil(Date.now() + 10_000).then(
      () => "went on",
      () => "threw",
    ),
    settle().then(() => "stands still"),
  ]);
  expect(outcome).toBe("stands still");
  expect(hooks).toEqual([expect.stringMatching(/another path .* expected children:a/)]);
  expect(sent).toEqual([]);
});

test("code that was told to end begins no wait", async () => {
  const { host, sent } = hostOf([]);
  host.questions.abort(new DOMException("The run was cancelled", "AbortError"));
  await expect(host.waitUntil(Date.now() + 10_000)).rejects.toMatchObject({ name: "AbortError" });
  expect(sent).toEqual([]);
});

test("a wait beyond a hundred years is refused", async () => {
  const { host } = hostOf([]);
  await expect(host.waitUntil(Number.NaN)).rejects.toMatchObject({ status: 400 });
  await expect(host.waitUntil(Date.now() + 4e12)).rejects.toMatchObject({ status: 400 });
});
