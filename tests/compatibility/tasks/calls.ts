/** Tasks for calls that only a run can make. */
import { metadata, task, tasks } from "@millrace/sdk";

export const told = task({
  id: "told",
  machine: "micro",
  run: (_payload: unknown, { ctx }) => ({
    isReplay: ctx.run.isReplay,
    tags: ctx.run.tags,
    metadata: metadata.current(),
    id: ctx.run.id,
  }),
});

export const heir = task({
  id: "heir",
  machine: "micro",
  run: async () => {
    metadata.set("mine", true);
    return await told.triggerAndWait(null).unwrap();
  },
});

export const older = task({
  id: "older-stream",
  machine: "micro",
  run: async () => {
    async function* numbers(): AsyncGenerator<number> {
      for (let n = 0; n < 5; n++) yield await Promise.resolve(n);
    }
    const seen: number[] = [];
    for await (const n of await metadata.stream("numbers", numbers())) seen.push(n);
    return seen;
  },
});

/** Its child may be somebody else's, too. */
export const patient = task({
  id: "patient",
  machine: "micro",
  run: async ({ key }: { key: string }) => {
    const options = { debounce: { key, delay: "3s" } };
    const child = await tasks.triggerAndWait<typeof told>("told", null, options).unwrap();
    return child.id;
  },
});
