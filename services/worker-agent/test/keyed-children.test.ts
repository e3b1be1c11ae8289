import { beforeAll, expect, test } from "vitest";
import {
  batchKey,
  batchRecordSchema,
  BUCKETS,
  isRunId,
  type ChildResult,
  type RunEvent,
} from "@millrace/proto";
import { Bucket } from "@millrace/nats";
import type { AgentProcess } from "./support/agent-process.ts";
import { ENV, eventually } from "./support/coordinator.ts";
import { setUp } from "./support/setup.ts";

const setup = setUp({
  "tasks.ts": `
    import { task, tasks, wait, idempotencyKeys } from "@millrace/sdk";
    export const child = task({ id: "child", queue: { concurrencyLimit: 1 }, run: async (n: number) => n });
    const global = (key: string) => idempotencyKeys.create(key, { scope: "global" });
    export const triggers = task({
      id: "triggers",
      run: async (key: string) => {
        const options = { idempotencyKey: await global(key) };
        const first = await child.trigger(1, options);
        const second = await child.trigger(2, options);
        return [first.id, second.id];
      },
    });
    export const awaits = task({
      id: "awaits",
      run: async (key: string) => {
        const result = await child.triggerAndWait(1, { idempotencyKey: await global(key) });
        return result.ok && result.output;
      },
    });
    export const twins = task({
      id: "twins",
      run: async (key: string) => {
        const options = { idempotencyKey: await global(key) };
        const { runs } = await child.batchTriggerAndWait([{ payload: 1, options }, { payload: 2, options }]);
        return runs.map((run) => run.ok && run.output);
      },
    });
    export const many = task({
      id: "many",
      run: async (count: number) => {
        const items = Array.from({ length: count }, (_, i) => ({ payload: i }));
        const { batchId, runs } = await child.batchTrigger(items);
        return { batchId, count: runs.length };
      },
    });
    export const manyAndWait = task({
      id: "many-and-wait",
      run: async (count: number) => {
        const items = Array.from({ length: count }, (_, i) => ({ payload: i }));
        const { id, runs } = await child.batchTriggerAndWait(items);
        return { id, sum: runs.reduce((sum, run) => sum + (run.ok ? run.output as number : 0), 0) };
      },
    });
  `,
});

let agent: AgentProcess;
beforeAll(async () => {
  agent = await setup().agent();
});

const types = (events: readonly RunEvent[]): string[] => events.map(({ type }) => type);

async function outputOf(runId: string): Promise<unknown> {
  const { output, error } = await setup().coordinator.until(runId, "finished");
  expect(error).toBeNull();
  return JSON.parse(output?.data ?? "null");
}

function result(id: string, output: unknown): ChildResult {
  const packet = { output: JSON.stringify(output), outputType: "application/json" };
  return { ok: true, id, taskIdentifier: "child", ...packet };
}

async function childrenOf(runId: string) {
  const { waits } = await setup().coordinator.until(runId, "waiting");
  const wait = waits.at(-1);
  return wait?.kind === "children" ? wait.children : [];
}

test("a key that stands for a run brings that run", async () => {
  const { coordinator } = setup();
  const [first, second] = (await outputOf(await coordinator.run("triggers", "plain"))) as string[];
  expect(second).toBe(first);
  const again = (await outputOf(await coordinator.run("triggers", "plain"))) as string[];
  expect(again).toEqual([first, first]);
});

test("a run that was there before is shared: asked to tell, and not cancelled with its second parent", async () => {
  const { coordinator } = setup();
  const [id = ""] = (await outputOf(await coordinator.run("triggers", "shared"))) as string[];
  const runId = await coordinator.run("awaits", "shared");
  expect(await childrenOf(runId)).toMatchObject([{ runId: id, shared: true }]);
  await eventually(async () =>
    expect((await coordinator.state(id)).waiters).toEqual([
      { parentRunId: runId, waitIndex: 0, childIndex: 0 },
    ]),
  );
  // Run again after a loss, it asks the same run again.
  await coordinator.lose(runId, agent.id);
  await coordinator.dispatch(runId);
  await coordinator.until(runId, "waiting");
  expect(await childrenOf(runId)).toMatchObject([{ runId: id, shared: true }]);
  await coordinator.answerChild(runId, 0, result(id, "told"));
  await coordinator.signal(runId, "resume", agent.id);
  const { output } = await coordinator.until(runId, "finished");
  expect(output?.data).toBe("told");
});

test("a new run with a key is its first parent's own", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("awaits", "new");
  const [child] = await childrenOf(runId);
  expect(child?.shared).toBeUndefined();
  const state = await eventually(() => coordinator.state(child?.runId ?? ""));
  expect(state.trigger.parent).toEqual({ runId, waitIndex: 0, childIndex: 0 });
  expect(state.waiters).toEqual([]);
});

test("two items with one key are one run, and both are answered", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("twins", "twins");
  const [first, second] = await childrenOf(runId);
  const id = first?.runId ?? "";
  expect(second?.runId).toBe(id);
  await eventually(async () => {
    const { trigger, waiters } = await coordinator.state(id);
    // Whichever of the two was stored first is told as a parent is, the other one as a waiter.
    const told = [trigger.parent?.childIndex, ...waiters.map(({ childIndex }) => childIndex)];
    expect(told.toSorted()).toEqual([0, 1]);
  });
  expect(
    types(await coordinator.events(id)).filter((type) => type === "run-triggered"),
  ).toHaveLength(1);
  await coordinator.answerChild(runId, 0, result(id, 5));
  await coordinator.answerChild(runId, 1, result(id, 5));
  await coordinator.signal(runId, "resume", agent.id);
  expect(await outputOf(runId)).toEqual([5, 5]);
});

test("a thousand children are triggered at once, and their batch is on record", async () => {
  const { broker, coordinator } = setup();
  const batches = await Bucket.open(broker.nc, BUCKETS.batches, batchRecordSchema);
  const at = Date.now();
  const { batchId, count } = (await outputOf(await coordinator.run("many", 1000))) as {
    batchId: string;
    count: number;
  };
  expect(Date.now() - at).toBeLessThan(10_000);
  expect(count).toBe(1000);
  const record = (await batches.get(batchKey(ENV, batchId)))?.value;
  expect(record).toMatchObject({ id: batchId, runCount: 1000, errors: [] });
  expect(new Set(record?.runIds).size).toBe(1000);
  expect(record?.runIds?.every(isRunId)).toBe(true);
  const last = await coordinator.state(record?.runIds?.at(-1) ?? "");
  expect(last.trigger).toMatchObject({ batchId, payload: { data: "999" } });
});

test("a thousand children are waited for; the result knows the batch", async () => {
  const { broker, coordinator } = setup();
  const batches = await Bucket.open(broker.nc, BUCKETS.batches, batchRecordSchema);
  const runId = await coordinator.run("many-and-wait", 1000);
  const children = await childrenOf(runId);
  expect(children).toHaveLength(1000);
  await Promise.all(
    children.map((child, i) =>
      coordinator.fact("coordinator", runId, "child-finished", {
        at: Date.now(),
        waitIndex: 0,
        childIndex: i,
        result: result(child.runId, 1),
      }),
    ),
  );
  await coordinator.signal(runId, "resume", agent.id);
  const { id, sum } = (await outputOf(runId)) as { id: string; sum: number };
  expect(sum).toBe(1000);
  const record = await eventually(async () => {
    const found = (await batches.get(batchKey(ENV, id)))?.value;
    expect(found?.runIds).not.toBeNull();
    return found;
  });
  expect(record?.runIds).toEqual(children.map((child) => child.runId));
}, 60_000);
