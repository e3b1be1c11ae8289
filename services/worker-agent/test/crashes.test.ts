import { expect, test } from "vitest";
import type { StateOf } from "@millrace/proto";
import { setUp } from "./support/setup.ts";

const retry = `retry: { maxAttempts: 2, minTimeoutInMs: 1, randomize: false }`;

const setup = setUp({
  "tasks.ts": `
    import { task, tasks, OutOfMemoryError } from "@millrace/sdk";
    import { setTimeout as sleep } from "node:timers/promises";
    const first = (code: (attempt: number) => unknown) => async (_: unknown, { ctx }) => {
      if (ctx.attempt.number > 1) return [ctx.attempt.number, ctx.machine.name];
      await code(ctx.attempt.number);
      await sleep(60_000);
    };
    const fill = () => { const all: unknown[] = []; for (;;) all.push(new Array(10_000).fill({})); };
    export const exits = task({ id: "exits", ${retry}, run: first(() => process.exit(3)) });
    export const exitsWell = task({ id: "exits-well", ${retry}, run: first(() => process.exit(0)) });
    export const killed = task({ id: "killed", ${retry}, run: first(() => process.kill(process.pid, "SIGKILL")) });
    export const faults = task({ id: "faults", ${retry}, run: first(() => process.kill(process.pid, "SIGSEGV")) });
    export const throws = task({
      id: "throws", ${retry},
      run: first(() => void setTimeout(() => { throw new RangeError("behind its back"); }, 1)),
    });
    export const rejects = task({
      id: "rejects", ${retry},
      run: first(() => void Promise.reject(new RangeError("nobody looks"))),
    });
    export const middleware = task({
      id: "middleware", ${retry},
      middleware: async ({ ctx, next }) => {
        if (ctx.attempt.number === 1) throw new Error("in between");
        await next();
      },
      run: async (_: unknown, { ctx }) => [ctx.attempt.number, ctx.machine.name],
    });
    export const hungry = task({ id: "hungry", ${retry}, run: first(fill) });
    const larger = { outOfMemory: { machine: "small-2x" as const } };
    export const grows = task({ id: "grows", retry: { ...larger, minTimeoutInMs: 1, maxAttempts: 1 }, run: first(fill) });
    export const greedy = task({
      id: "greedy",
      retry: { ...larger, minTimeoutInMs: 1 },
      run: async () => { throw new OutOfMemoryError(); },
    });
  `,
});

type End = StateOf<"finished">;

async function finished(runId: string): Promise<End> {
  return await setup().coordinator.until(runId, "finished");
}

const small = { MILLRACE_MACHINES: '{"small-1x":{"memoryGb":0.125},"small-2x":{"memoryGb":0.25}}' };
let started: Promise<unknown> | undefined;

async function run(taskId: string): Promise<string> {
  started ??= setup().agent(small);
  await started;
  return await setup().coordinator.run(taskId);
}

test.each([
  ["exits", "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE"],
  ["exits-well", "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE"],
  ["faults", "TASK_PROCESS_SIGSEGV"],
  ["throws", "TASK_RUN_UNCAUGHT_EXCEPTION"],
  ["rejects", "TASK_RUN_UNCAUGHT_EXCEPTION"],
  ["middleware", "TASK_MIDDLEWARE_ERROR"],
])("a run that %s is tried again through the queue", async (taskId, code) => {
  const { coordinator } = setup();
  const runId = await run(taskId);
  await coordinator.retry(runId);
  expect(await finished(runId)).toMatchObject({
    outcome: "completed",
    output: { data: '[2,"small-1x"]' },
  });
  const failed = (await coordinator.events(runId)).find(({ type }) => type === "attempt-failed");
  expect(failed?.data).toMatchObject({
    attempt: 1,
    error: { type: "INTERNAL_ERROR", code },
    retry: { where: "queue" },
  });
});

test.each([
  ["killed", "TASK_PROCESS_MAYBE_OOM_KILLED"],
  ["hungry", "TASK_PROCESS_OOM_KILLED"],
])("a run that is %s has crashed, whatever attempts are left", async (taskId, code) => {
  const run_ = await finished(await run(taskId));
  expect(run_).toMatchObject({ outcome: "crashed", attempt: 1, error: { code } });
});

test("a run out of memory is tried once more, on the machine that was named for it", async () => {
  const { coordinator } = setup();
  const runId = await run("grows");
  const waiting = await coordinator.until(runId, "backoff");
  expect(waiting.trigger.machine).toBe("small-2x");
  await coordinator.retry(runId);
  expect(await finished(runId)).toMatchObject({ output: { data: '[2,"small-2x"]' } });
});

test("there it is final", async () => {
  const { coordinator } = setup();
  const runId = await run("greedy");
  await coordinator.retry(runId);
  expect(await finished(runId)).toMatchObject({
    outcome: "crashed",
    attempt: 2,
    error: { code: "TASK_PROCESS_OOM_KILLED" },
  });
});
