/** The reader's task that backends trigger with whatever they have. */
import { task } from "@trigger.dev/sdk";

export const myTask = task({
  id: "my-task",
  run: async (payload: unknown) => ({ result: "done", received: payload }),
});
