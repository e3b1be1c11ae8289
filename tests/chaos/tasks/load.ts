/**
 * The load of the chaos tests. Every task leaves marks outside of the platform, when its code begins and when it ends,
 * in the file its agent names: what the checker believes beside the log.
 */
import { appendFileSync } from "node:fs";
import { queue, schedules, task, wait } from "@millrace/sdk";

export type Load = { readonly key: string; readonly ms: number };
type Child = Load & { readonly parent: string; readonly n: number };
type Context = {
  readonly run: { readonly id: string };
  readonly attempt: { readonly number: number };
};

const MARKS = process.env["CHAOS_MARKS"] ?? "";
/** Lost machines count against it: no run may end because of what the test does to its agents. */
const retry = { maxAttempts: 50, minTimeoutInMs: 100, maxTimeoutInMs: 1000 };
const light = { isolation: "shared", retry } as const;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A line is written at once: it is whole, or not there. */
function mark(edge: "begin" | "end", { run, attempt }: Context): void {
  appendFileSync(MARKS, `${edge} ${run.id} ${attempt.number} ${Date.now()}\n`);
}

async function marked<T>(ctx: Context, code: () => Promise<T>): Promise<T> {
  mark("begin", ctx);
  const result = await code();
  mark("end", ctx);
  return result;
}

async function doze({ key, ms }: Load, { ctx }: { readonly ctx: Context }): Promise<string> {
  return await marked(ctx, async () => {
    await sleep(ms);
    return key;
  });
}

export const plain = task({
  id: "plain",
  ...light,
  run: doze,
});

export const limited = task({
  id: "limited",
  ...light,
  queue: queue({ name: "limited", concurrencyLimit: 3 }),
  run: doze,
});

export const keyed = task({
  id: "keyed",
  ...light,
  queue: queue({ name: "keyed", concurrencyLimit: 1 }),
  run: doze,
});

/** Fails twice before it succeeds. */
export const flaky = task({
  id: "flaky",
  ...light,
  run: ({ key, ms }: Load, { ctx }) =>
    marked(ctx, async () => {
      await sleep(ms);
      if (ctx.attempt.number <= 2) throw new Error(`attempt ${ctx.attempt.number} fails`);
      return key;
    }),
});

export const waiter = task({
  id: "waiter",
  ...light,
  run: ({ key, waitSec = 6 }: Load & { readonly waitSec?: number }, { ctx }) =>
    marked(ctx, async () => {
      // Long enough to be kept by the broker, and not by the process.
      await wait.for({ seconds: waitSec });
      return key;
    }),
});

export const child = task({
  id: "child",
  ...light,
  run: ({ ms, n }: Child, { ctx }) =>
    marked(ctx, async () => {
      await sleep(ms);
      return n;
    }),
});

/** Three children, one of them before the others. */
export const parent = task({
  id: "parent",
  ...light,
  run: ({ key, ms }: Load, { ctx }) =>
    marked(ctx, async () => {
      const of = (n: number): Child => ({ key: `${key}/${n}`, ms, parent: ctx.run.id, n });
      await child.triggerAndWait(of(0)).unwrap();
      const others = await child.batchTriggerAndWait([{ payload: of(1) }, { payload: of(2) }]);
      if (others.runs.some((run) => !run.ok)) throw new Error("a child failed");
      return key;
    }),
});

/** Its schedules are made by the load. */
export const scheduled = schedules.task({
  id: "scheduled",
  ...light,
  run: (_payload, { ctx }) => marked(ctx, async () => undefined),
});
