/** Tasks that end in every way a run can end. What is tried again is tried once more, at once. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  AbortTaskRunError,
  CompleteTaskWithOutput,
  OutOfMemoryError,
  schemaTask,
  task,
  tasks,
  wait,
} from "@millrace/sdk";
import { z } from "zod";

const twice = {
  machine: "micro",
  retry: { maxAttempts: 2, minTimeoutInMs: 1, maxTimeoutInMs: 10, randomize: false },
} as const;

const never = async (): Promise<never> => {
  await sleep(60_000);
  throw new Error("a minute is over");
};

export const exits = task({ ...twice, id: "exits", run: () => process.exit(3) });

export const leaves = task({ ...twice, id: "leaves", run: () => process.exit(0) });

const signalled = (id: string, signal: NodeJS.Signals) =>
  task({
    ...twice,
    id,
    run: async () => {
      process.kill(process.pid, signal);
      return await never();
    },
  });
export const killed = signalled("killed", "SIGKILL");
export const ended = signalled("ended", "SIGTERM");
export const faults = signalled("faults", "SIGSEGV");

export const throwsLater = task({
  ...twice,
  id: "throws-later",
  run: async () => {
    setTimeout(() => {
      throw new RangeError("nobody can catch this");
    }, 1);
    return await never();
  },
});

export const rejects = task({
  ...twice,
  id: "rejects",
  run: async () => {
    void Promise.reject(new RangeError("nobody looks"));
    return await never();
  },
});

export const hungry = task({
  ...twice,
  id: "hungry",
  run: () => {
    const eaten: number[][] = [];
    for (;;) eaten.push(Array.from({ length: 1_000_000 }, (_, n) => n));
  },
});

export const saysHungry = task({
  ...twice,
  id: "says-hungry",
  run: () => {
    throw new OutOfMemoryError();
  },
});

export const grows = task({
  ...twice,
  id: "grows",
  retry: { ...twice.retry, maxAttempts: 1, outOfMemory: { machine: "small-1x" } },
  run: (_payload: unknown, { ctx }) => {
    if (ctx.machine.name === "micro") throw new OutOfMemoryError();
    return ctx.machine.name;
  },
});

export const slow = task({ ...twice, id: "slow", maxDuration: 1, run: never });

export const strict = schemaTask({
  ...twice,
  id: "strict",
  schema: z.object({ n: z.number() }),
  run: ({ n }) => n,
});

export const unwritable = task({ ...twice, id: "unwritable", run: (): unknown => () => 1 });

export const between = task({
  ...twice,
  id: "between",
  middleware: () => {
    throw new Error("in between");
  },
  run: () => 1,
});

export const waitsTwice = task({
  ...twice,
  id: "waits-twice",
  run: async () => {
    await Promise.all([wait.for({ seconds: 60 }), wait.for({ seconds: 61 })]);
  },
});

export const aborts = task({
  ...twice,
  id: "aborts",
  run: () => {
    throw new AbortTaskRunError("no more");
  },
});

export const broken = task({
  ...twice,
  id: "broken",
  run: () => {
    throw new TypeError("on every attempt");
  },
});

export const brokenOnce = task({
  id: "broken-once",
  machine: "micro",
  run: () => {
    throw new TypeError("without settings");
  },
});

export const throwsText = task({
  id: "throws-text",
  machine: "micro",
  run: () => {
    const text: unknown = "just text";
    throw text;
  },
});

export const throwsObject = task({
  id: "throws-object",
  machine: "micro",
  run: () => {
    const object: unknown = { reason: 7 };
    throw object;
  },
});

export const completes = task({
  ...twice,
  id: "completes",
  run: (): string => {
    throw new CompleteTaskWithOutput("early");
  },
});

export const refusedCall = task({
  ...twice,
  id: "refused-call",
  run: async () => await tasks.trigger("nobody-has-this", null),
});

type Verdict = "skipRetrying" | "retryAt" | "retryDelayInMs" | "retry" | "error" | "throws";

/** Without a verdict it would be tried again in a minute. */
export const judged = task({
  id: "judged",
  machine: "micro",
  retry: { maxAttempts: 2, minTimeoutInMs: 60_000, maxTimeoutInMs: 60_000, randomize: false },
  catchError: ({ payload }) => {
    switch (payload) {
      case "skipRetrying":
        return { skipRetrying: true };
      case "retryAt":
        return { retryAt: new Date(Date.now() + 50) };
      case "retryDelayInMs":
        return { retryDelayInMs: 50 };
      case "retry":
        return { retry: { maxAttempts: 2, minTimeoutInMs: 50, randomize: false } };
      case "error":
        return { skipRetrying: true, error: new RangeError("another one") };
      case "throws":
        throw new Error("a hook's own");
    }
  },
  run: (_verdict: Verdict, { ctx }) => {
    if (ctx.attempt.number === 1) throw new Error("the first one");
    return ctx.attempt.number;
  },
});

/** What a parent is told of a child that did not succeed. */
export const parent = task({
  id: "parent",
  machine: "micro",
  run: async ({ child, ttl }: { child: string; ttl?: string }) => {
    const options = ttl === undefined ? {} : { ttl, region: "nowhere" };
    const result = await tasks.triggerAndWait(child, null, options);
    return result.ok
      ? "succeeded"
      : result.error instanceof Error
        ? result.error.message
        : String(result.error);
  },
});

export const listens = task({
  id: "listens",
  machine: "micro",
  run: async (_payload: unknown, { signal }) => {
    await sleep(60_000, undefined, { signal });
  },
});

export const forgetful = task({ id: "forgetful", machine: "micro", run: () => undefined });

export const idleMiddleware = task({
  id: "idle-middleware",
  machine: "micro",
  middleware: () => undefined,
  run: () => 1,
});

export const echo = task({ id: "echo", isolation: "shared", run: (payload: unknown) => payload });

/** Everything its code is told about it. */
export const context = task({
  id: "context",
  machine: "small-1x",
  maxDuration: 60,
  retry: { maxAttempts: 1 },
  run: (_payload: unknown, { ctx, signal }) => ({ ctx, hasSignal: signal instanceof AbortSignal }),
});

export const family = task({
  id: "family",
  machine: "micro",
  run: async () => {
    const result = await context.batchTriggerAndWait([{ payload: null }]);
    const [child] = result.runs;
    return child?.ok ? child.output.ctx : child?.error;
  },
});
