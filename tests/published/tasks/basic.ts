/** Task files as they are written for the published SDK: nothing in here knows on what they run. */
import { AbortTaskRunError, queue, task, wait } from "@trigger.dev/sdk";

export const echo = task({
  id: "echo",
  machine: "micro",
  run: async (payload: unknown) => payload,
});

/** What the options of a trigger made of its run. */
export const options = task({
  id: "options",
  machine: "micro",
  retry: { maxAttempts: 5, minTimeoutInMs: 10, maxTimeoutInMs: 10 },
  run: async (_payload: unknown, { ctx }) => ({
    machine: ctx.machine?.name,
    maxAttempts: ctx.run.maxAttempts,
    maxDuration: ctx.run.maxDuration,
    priority: ctx.run.priority,
    queue: ctx.queue.name,
    tags: ctx.run.tags,
    version: ctx.run.version,
  }),
});

/** Values that JSON alone does not carry. */
export const typed = task({
  id: "typed",
  machine: "micro",
  run: async (payload: { at: Date; tags: Set<string>; big: bigint }) => ({
    isDate: payload.at instanceof Date,
    isSet: payload.tags instanceof Set,
    isBigint: typeof payload.big === "bigint",
    at: new Date(payload.at.getTime() + 1000),
  }),
});

export const large = task({
  id: "large",
  machine: "micro",
  run: async (payload: { text: string }) => ({ text: payload.text.toUpperCase() }),
});

/** A task whose id has to be encoded in URLs. */
export const slashed = task({
  id: "folder/task",
  machine: "micro",
  run: async (payload: { n: number }) => payload.n,
});

export const failing = task({
  id: "failing",
  machine: "micro",
  retry: { maxAttempts: 3, minTimeoutInMs: 10, maxTimeoutInMs: 10 },
  run: async (payload: { abort: boolean }, { ctx }) => {
    if (payload.abort) throw new AbortTaskRunError("not again");
    throw new TypeError(`attempt ${ctx.attempt.number} fails`);
  },
});

/** Executes until it is cancelled. */
export const endless = task({
  id: "endless",
  machine: "micro",
  run: async (_payload: unknown, { signal }) => {
    await new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Error("aborted")));
    });
  },
});

export const line = queue({ name: "line", concurrencyLimit: 1 });

export const inLine = task({
  id: "in-line",
  machine: "micro",
  queue: line,
  run: async (payload: { name: string }) => payload.name,
});

/** Its own queue, to be paused and limited. */
export const held = task({
  id: "held",
  machine: "micro",
  queue: { concurrencyLimit: 7 },
  run: async (payload: unknown) => payload,
});

export const approval = task({
  id: "approval",
  machine: "micro",
  run: async (payload: { tokenId: string }) => {
    const result = await wait.forToken<{ by: string }>(payload.tokenId);
    return result.ok ? { by: result.output.by } : { refused: result.error.name };
  },
});
