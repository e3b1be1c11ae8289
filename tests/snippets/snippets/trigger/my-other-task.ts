import { task } from "@trigger.dev/sdk/v3";

export const myOtherTask = task({ id: "my-other-task", run: async (payload: unknown) => payload });

/** Snippets take these from here. */
export { batch, runs } from "@trigger.dev/sdk/v3";
