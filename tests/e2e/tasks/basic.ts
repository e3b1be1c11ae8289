/** Tasks of the end-to-end tests. */
import { appendFileSync } from "node:fs";
import { logger, queue, task, wait } from "@millrace/sdk";

export type Marked = { file: string; ms: number };

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Leaves a mark when its code begins and when it ends. */
async function marked({ file, ms }: Marked, runId: string): Promise<string> {
  appendFileSync(file, `begin ${runId} ${Date.now()}\n`);
  await sleep(ms);
  appendFileSync(file, `end ${runId} ${Date.now()}\n`);
  return runId;
}

const three = queue({ name: "three-at-once", concurrencyLimit: 3 });

export const limited = task({
  id: "limited",
  queue: three,
  machine: "micro",
  run: (payload: Marked, { ctx }) => marked(payload, ctx.run.id),
});

export const light = task({
  id: "light",
  isolation: "shared",
  run: (payload: Marked, { ctx }) => marked(payload, ctx.run.id),
});

/** Shared and limited: what is killed in the middle must neither be lost nor run beside too many others. */
export const lightLimited = task({
  id: "light-limited",
  isolation: "shared",
  queue: { concurrencyLimit: 5 },
  run: (payload: Marked, { ctx }) => marked(payload, ctx.run.id),
});

export const echo = task({
  id: "echo",
  isolation: "shared",
  run: (payload: unknown) => payload,
});

export const small = task({
  id: "small",
  machine: "small-1x",
  run: (payload: { n: number }, { ctx }) => ({ n: payload.n, machine: ctx.machine.name }),
});

export const large = task({
  id: "large",
  machine: "large-1x",
  run: (_payload: null, { ctx }) => ({ machine: ctx.machine.name, pid: process.pid }),
});

export const failing = task({
  id: "failing",
  isolation: "shared",
  retry: { maxAttempts: 3, minTimeoutInMs: 20, maxTimeoutInMs: 50, randomize: false },
  run: (payload: { until: number }, { ctx }) => {
    logger.info("trying", { attempt: ctx.attempt.number });
    if (ctx.attempt.number < payload.until) throw new Error(`attempt ${ctx.attempt.number} fails`);
    return ctx.attempt.number;
  },
});

export const parent = task({
  id: "parent",
  machine: "micro",
  run: async (payload: { children: number }) => {
    const one = await echo.triggerAndWait({ n: "one" }).unwrap();
    const many = await echo.batchTriggerAndWait(
      Array.from({ length: payload.children }, (_, n) => ({ payload: { n } })),
    );
    return { one, many: many.runs.map((run) => (run.ok ? run.output : run.error)) };
  },
});

/** Alone on its queue, and so is its child: it can only end when a wait gives the slot back. */
const alone = queue({ name: "alone", concurrencyLimit: 1 });

export const aloneChild = task({
  id: "alone-child",
  machine: "micro",
  queue: alone,
  run: (n: number) => n * 2,
});

export const aloneParent = task({
  id: "alone-parent",
  machine: "micro",
  queue: alone,
  run: async (n: number) => await aloneChild.triggerAndWait(n).unwrap(),
});

export const napping = task({
  id: "napping",
  machine: "micro",
  run: async (payload: { seconds: number }) => {
    const before = process.pid;
    await wait.for({ seconds: payload.seconds });
    return { samePlace: before === process.pid };
  },
});

export const endless = task({
  id: "endless",
  machine: "micro",
  run: async (_payload: null, { signal }) => {
    await new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Error("aborted")));
    });
  },
});

export const noisy = task({
  id: "noisy",
  isolation: "shared",
  run: () => {
    console.log("hello from console");
    logger.warn("hello from logger", { n: 1 });
  },
});

/** A child that takes its time. */
export const slow = task({
  id: "slow",
  isolation: "shared",
  run: (payload: Marked, { ctx }) => marked(payload, ctx.run.id),
});

export const patient = task({
  id: "patient",
  machine: "micro",
  run: async (payload: Marked) => {
    const many = await slow.batchTriggerAndWait(Array.from({ length: 3 }, () => ({ payload })));
    await wait.for({ seconds: 6 });
    return many.runs.filter((run) => run.ok).length;
  },
});
