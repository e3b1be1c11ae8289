import { expect, test } from "vitest";
import type { Wait } from "@millrace/proto";
import { ProcessHost } from "../src/run-process/host.ts";
import { childrenKey, durationKey, replay } from "../src/run-process/replay.ts";
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

test("a host answers from the log first, then asks with the next index", async () => {
  const sent: FromRun[] = [];
  const host = new ProcessHost(7, [slept, answered], (message) => sent.push(message));
  expect(host.hasWaitedUntil(5000)).toBe(true);
  expect(host.hasWaitedUntil(5001)).toBe(false);
  await host.waitUntil(9000);
  expect(host.hasWaitedUntil(5000)).toBe(false);
  expect(await host.triggerAndWait(calls, false)).toEqual([result]);
  expect(sent).toEqual([]);
  const asked = host.triggerAndWait(calls, false);
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(sent).toMatchObject([{ type: "wait-children", ref: 7, index: 2, key }]);
  host.questions.answered(0, { kind: "results", results: [result] });
  expect(await asked).toEqual([result]);
});

test("a refused call takes no index", async () => {
  const sent: FromRun[] = [];
  const host = new ProcessHost(7, [], (message) => sent.push(message));
  const settle = async (call: number): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const error = { code: "TASK_NOT_FOUND", status: 404, message: "no" };
    host.questions.answered(call, { kind: "refused", error });
  };
  for (const call of [0, 1]) {
    const asked = host.triggerAndWait(calls, false);
    void settle(call);
    await expect(asked).rejects.toMatchObject({ status: 404, code: "TASK_NOT_FOUND" });
  }
  expect(sent.map((message) => message.type === "wait-children" && message.index)).toEqual([0, 0]);
});
