/** What a task can do, in the older spelling of the import. */
import {
  batch,
  idempotencyKeys,
  locals,
  logger,
  metadata,
  retry,
  streams,
  tags,
  task,
  tasks,
  usage,
  wait,
} from "@trigger.dev/sdk/v3";
import { echo } from "./basic.ts";

const Visitor = locals.create<{ name: string }>("visitor");

type Everything = { readonly name: string };

export const everything = task({
  id: "everything",
  machine: "micro",
  run: async (payload: Everything, { ctx }) => {
    logger.info("begins", { name: payload.name });
    await tags.add(`name_${payload.name}`);
    metadata.set("steps", 0).increment("steps", 2).append("log", "first");
    const key = await idempotencyKeys.create(["child", payload.name]);
    const first = await echo.triggerAndWait({ n: 1 }, { idempotencyKey: key }).unwrap();
    const again = await tasks.triggerAndWait<typeof echo>(
      "echo",
      { n: 2 },
      { idempotencyKey: key },
    );
    const many = await echo.batchTriggerAndWait([{ payload: "a" }, { payload: "b" }]);
    const mixed = await batch.triggerByTaskAndWait([
      { task: echo, payload: 1 },
      { task: echo, payload: 2 },
    ]);
    await wait.for({ seconds: 1 });
    const tried = await retry.onThrow(
      async ({ attempt }) => {
        if (attempt < 2) throw new Error("once more");
        return attempt;
      },
      { maxAttempts: 3, minTimeoutInMs: 1, maxTimeoutInMs: 1 },
    );
    const { result } = await usage.measure(async () => "measured");
    return {
      runId: ctx.run.id,
      first,
      again: again.ok ? again.output : null,
      many: many.runs.map((run) => (run.ok ? run.output : null)),
      mixed: mixed.runs.map((run) => (run.ok ? run.output : null)),
      tried,
      measured: result,
      visitor: locals.getOrThrow(Visitor).name,
    };
  },
  middleware: async ({ next }) => {
    locals.set(Visitor, { name: "middleware" });
    await next();
  },
  onStartAttempt: ({ ctx }) => {
    metadata.set("startedAttempt", ctx.attempt.number);
  },
  onSuccess: () => {
    metadata.set("succeeded", true);
  },
});

const numbers = streams.define<{ n: number }>({ id: "numbers" });

export const streaming = task({
  id: "streaming",
  machine: "micro",
  run: async (payload: { count: number }) => {
    const { waitUntilComplete } = numbers.pipe(
      (async function* () {
        for (let n = 0; n < payload.count; n++) yield { n };
      })(),
    );
    await waitUntilComplete();
    await streams.append("notes", "written with append");
    return payload.count;
  },
});

/** Its metadata changes while it runs. */
export const reporting = task({
  id: "reporting",
  machine: "micro",
  run: async (payload: { steps: number }) => {
    for (let step = 1; step <= payload.steps; step++) {
      metadata.set("step", step);
      await metadata.flush();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  },
});

/** Stays alive while others write to its streams. */
export const listening = task({
  id: "listening",
  machine: "micro",
  run: async (payload: { ms: number }) => {
    await new Promise((resolve) => setTimeout(resolve, payload.ms));
  },
});
