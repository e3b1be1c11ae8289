/** Tasks of the verification. Each leaves a mark outside of Millrace where its code runs: what ran twice shows. */
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { queue, task, wait } from "@millrace/sdk";

const MARKS = "/data/marks";

type Item = { readonly item: string };
type Context = { readonly ctx: { readonly attempt: { readonly number: number } } };

/** One line is written at once, whoever else writes. */
function mark(step: string, item: string, attempt: number): void {
  appendFileSync(MARKS, `${step} ${item} ${attempt}\n`);
}

/** Code between a mark of its begin and one of its end; code that fails leaves only the first. */
function marked(code: (attempt: number) => Promise<unknown>) {
  return async ({ item }: Item, { ctx }: Context): Promise<string> => {
    const attempt = ctx.attempt.number;
    mark("begin", item, attempt);
    await code(attempt);
    mark("end", item, attempt);
    return item;
  };
}

/** In a process of its own. */
export const plain = task({
  id: "plain",
  machine: "micro",
  run: marked(() => sleep(400)),
});

/** Takes long enough for its agent to be told to stop meanwhile. */
export const lengthy = task({
  id: "lengthy",
  machine: "micro",
  run: marked(() => sleep(5000)),
});

/** Beside others in one process, two at a time. */
export const limited = task({
  id: "limited",
  isolation: "shared",
  queue: queue({ name: "two-at-once", concurrencyLimit: 2 }),
  run: marked(() => sleep(100)),
});

/** Fails once. */
export const flaky = task({
  id: "flaky",
  isolation: "shared",
  retry: { maxAttempts: 2, minTimeoutInMs: 1000, maxTimeoutInMs: 1000, randomize: false },
  run: marked(async (attempt) => {
    if (attempt === 1) throw new Error("the first attempt fails");
  }),
});

/** Waits without a process: what is before the wait may run again, what is after it must not. */
export const napping = task({
  id: "napping",
  machine: "micro",
  run: async ({ item, seconds }: Item & { readonly seconds: number }, { ctx }) => {
    await wait.for({ seconds });
    mark("end", item, ctx.attempt.number);
    return item;
  },
});

/** Waits for somebody's answer. */
export const asking = task({
  id: "asking",
  machine: "micro",
  run: async ({ item, token }: Item & { readonly token: string }, { ctx }) => {
    const answer = await wait.forToken<string>(token);
    mark("end", item, ctx.attempt.number);
    return answer.ok ? answer.output : "no answer";
  },
});

/** Waits for its children. */
export const family = task({
  id: "family",
  machine: "micro",
  run: async ({ item }: Item, { ctx }) => {
    const children = ["a", "b", "c"].map((name) => ({ payload: { item: `${item}-${name}` } }));
    const { runs } = await limited.batchTriggerAndWait(children);
    mark("end", item, ctx.attempt.number);
    return runs.map((run) => (run.ok ? run.output : "failed"));
  },
});

/** Leaves a process behind that nobody waits for: whoever is process 1 must reap it. */
export const orphaning = task({
  id: "orphaning",
  machine: "micro",
  run: async () => {
    const { spawn } = await import("node:child_process");
    spawn("sh", ["-c", "sleep 1 & exit"], { stdio: "ignore" });
    await sleep(200);
  },
});
