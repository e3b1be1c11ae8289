import { task } from "@trigger.dev/sdk/v3";

export const myTask = task({
  id: "my-task",
  run: async (payload: { some: string }) => ({ result: payload.some }),
});
