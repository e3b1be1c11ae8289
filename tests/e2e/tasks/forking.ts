/** Parents whose children write down that they ran. */
import { appendFileSync } from "node:fs";
import { task } from "@millrace/sdk";

type Noted = { readonly file: string; readonly name: string; readonly ms?: number };

/** Writes its name, and answers with it and its run. */
export const noted = task({
  id: "noted",
  machine: "micro",
  run: async ({ file, name, ms = 0 }: Noted, { ctx }) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    appendFileSync(file, `${name}\n`);
    return `${name} ${ctx.run.id}`;
  },
});

/** Two children, one after the other; fails as often as it is told to. */
export const oneByOne = task({
  id: "one-by-one",
  machine: "micro",
  retry: { maxAttempts: 2, minTimeoutInMs: 10, maxTimeoutInMs: 10, randomize: false },
  run: async ({ file, fails = false }: { file: string; fails?: boolean }, { ctx }) => {
    const first = await noted.triggerAndWait({ file, name: "first" }).unwrap();
    const second = await noted.triggerAndWait({ file, name: "second" }).unwrap();
    if (fails && ctx.attempt.number === 1) throw new Error("as asked");
    return [first, second];
  },
});

/** Two children at once, of which the second takes longer. */
export const bothAtOnce = task({
  id: "both-at-once",
  machine: "micro",
  run: async ({ file }: { file: string }) => {
    const { runs } = await noted.batchTriggerAndWait([
      { payload: { file, name: "first" } },
      { payload: { file, name: "second", ms: 500 } },
    ]);
    return runs.map((run) => (run.ok ? run.output : "failed"));
  },
});
