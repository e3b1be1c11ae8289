/** Tasks that use what a task can do besides running: waits on tokens, metadata, tags, streams, keys, hooks. */
import { appendFileSync } from "node:fs";
import {
  batch,
  idempotencyKeys,
  locals,
  logger,
  metadata,
  queue,
  streams,
  tags,
  task,
  tasks,
  wait,
} from "@millrace/sdk";
import { echo, slow, type Marked } from "./basic.ts";

const note = (file: string, text: string): void => appendFileSync(file, `${text}\n`);

/** Tells which hooks ran, in order. */
export const hooked = task({
  id: "hooked",
  machine: "micro",
  retry: { maxAttempts: 2, minTimeoutInMs: 10, maxTimeoutInMs: 10, randomize: false },
  middleware: async ({ payload, next }) => {
    note((payload as { file: string }).file, "middleware in");
    await next();
    note((payload as { file: string }).file, "middleware out");
  },
  onStart: ({ payload }) => note(payload.file, "onStart"),
  onStartAttempt: ({ payload, ctx }) => note(payload.file, `onStartAttempt ${ctx.attempt.number}`),
  onSuccess: ({ payload }) => note(payload.file, "onSuccess"),
  onFailure: ({ payload }) => note(payload.file, "onFailure"),
  onComplete: ({ payload, result }) => note(payload.file, `onComplete ${result.ok}`),
  onWait: ({ payload }) => note(payload.file, "onWait"),
  onResume: ({ payload }) => note(payload.file, "onResume"),
  catchError: ({ payload }) => note(payload.file, "catchError"),
  cleanup: ({ payload }) => note(payload.file, "cleanup"),
  run: async (payload: { file: string; fail: number }, { ctx }) => {
    note(payload.file, "run");
    if (ctx.attempt.number <= payload.fail) throw new Error("as asked");
    await echo.triggerAndWait(1);
    return "done";
  },
});

const Visits = locals.create<{ count: number }>("visits");

/** Its progress is metadata, its parent's and its root's, too. */
export const reporting = task({
  id: "reporting",
  machine: "micro",
  run: async (payload: { steps: number }) => {
    locals.set(Visits, { count: payload.steps });
    metadata.set("total", payload.steps).set("done", 0);
    for (let step = 0; step < locals.getOrThrow(Visits).count; step++) {
      metadata.increment("done", 1).append("log", `step ${step}`);
      metadata.parent.increment("childSteps", 1);
      metadata.root.set("lastStep", step);
    }
    await tags.add(["reported", `steps_${payload.steps}`]);
    await logger.trace("a span", () => Promise.resolve(1), { n: 1 });
    return metadata.get("done");
  },
});

export const reported = task({
  id: "reported",
  machine: "micro",
  run: async (payload: { steps: number }) => {
    await reporting.batchTriggerAndWait([{ payload }, { payload }]);
    await metadata.refresh();
    return metadata.current();
  },
});

export const approval = task({
  id: "approval",
  machine: "micro",
  run: async (payload: { tokenId: string }) => {
    const result = await wait.forToken<{ by: string }>(payload.tokenId);
    return result.ok ? { by: result.output.by } : { timedOut: true };
  },
});

/** Waits for everything there is to wait for; each child leaves a mark. */
export const waitingForAll = task({
  id: "waiting-for-all",
  machine: "micro",
  run: async (payload: Marked & { tokenId: string }) => {
    const { tokenId, ...marked } = payload;
    const children = await batch.triggerByTaskAndWait([
      { task: slow, payload: marked },
      { task: slow, payload: marked },
    ]);
    const token = await wait.forToken<string>(tokenId).unwrap();
    await wait.for({ seconds: 6 });
    const last = await slow.triggerAndWait(marked);
    return { children: children.runs.filter((run) => run.ok).length, token, last: last.ok };
  },
});

export const streaming = task({
  id: "streaming",
  machine: "micro",
  run: async (payload: { chunks: number; pauseMs: number }) => {
    async function* numbers(): AsyncGenerator<{ n: number }> {
      for (let n = 0; n < payload.chunks; n++) {
        if (payload.pauseMs > 0)
          await new Promise((resolve) => setTimeout(resolve, payload.pauseMs));
        yield { n };
      }
    }
    const { waitUntilComplete } = streams.pipe("numbers", numbers());
    await waitUntilComplete();
    return payload.chunks;
  },
});

/** Its child is triggered once, however often this one is tried. */
export const once = task({
  id: "once",
  machine: "micro",
  retry: { maxAttempts: 3, minTimeoutInMs: 10, maxTimeoutInMs: 10, randomize: false },
  run: async (payload: Marked, { ctx }) => {
    const idempotencyKey = await idempotencyKeys.create("the-child");
    const handle = await slow.trigger(payload, { idempotencyKey });
    if (ctx.attempt.number < 3) throw new Error("again");
    return handle.id;
  },
});

/** Several parents wait for one and the same child. */
export const sharing = task({
  id: "sharing",
  machine: "micro",
  run: async (payload: Marked & { key: string }) => {
    const { key, ...marked } = payload;
    const idempotencyKey = await idempotencyKeys.create(key, { scope: "global" });
    const child = await slow.triggerAndWait(marked, { idempotencyKey });
    return child.ok ? child.output : null;
  },
});

const keyed = queue({ name: "keyed", concurrencyLimit: 1 });

export const perKey = task({
  id: "per-key",
  isolation: "shared",
  queue: keyed,
  run: (payload: Marked, { ctx }) => slowly(payload, ctx.run.id),
});

const rated = queue({ name: "rated", rateLimit: { limit: 5, period: "1s" } });

export const perSecond = task({
  id: "per-second",
  isolation: "shared",
  queue: rated,
  run: (payload: Marked, { ctx }) => slowly(payload, ctx.run.id),
});

async function slowly({ file, ms }: Marked, runId: string): Promise<string> {
  note(file, `begin ${runId} ${Date.now()}`);
  await new Promise((resolve) => setTimeout(resolve, ms));
  note(file, `end ${runId} ${Date.now()}`);
  return runId;
}

/** Does not listen to anybody. */
export const deaf = task({
  id: "deaf",
  machine: "micro",
  run: async () => {
    await new Promise(() => setInterval(() => undefined, 1000));
  },
});

/** Waits for a child that listens to its signal. */
export const waitingParent = task({
  id: "waiting-parent",
  machine: "micro",
  run: async () => await tasks.triggerAndWait("endless", null),
});

export const hungry = task({
  id: "hungry",
  machine: "micro",
  retry: { maxAttempts: 2, outOfMemory: { machine: "medium-1x" } },
  run: (_payload: null, { ctx }) => {
    if (ctx.machine.name === "medium-1x") return ctx.machine.name;
    const eaten: number[][] = [];
    for (;;) eaten.push(Array.from({ length: 1_000_000 }, (_, n) => n));
  },
});

export const big = task({
  id: "big",
  machine: "micro",
  run: (payload: { text: string }) => ({ length: payload.text.length, text: payload.text }),
});

/** What came back from a child that was given and gives much. */
export const bigParent = task({
  id: "big-parent",
  machine: "small-1x",
  run: async (payload: { length: number }) => {
    const child = await big.triggerAndWait({ text: "x".repeat(payload.length) }).unwrap();
    return { length: child.length, same: child.text.length === payload.length };
  },
});

export const ofMany = task({
  id: "of-many",
  isolation: "shared",
  run: async (payload: { items: number }) => {
    const result = await echo.batchTriggerAndWait(
      Array.from({ length: payload.items }, (_, n) => ({ payload: n })),
    );
    return result.runs.every((run, n) => run.ok && run.output === n);
  },
});
