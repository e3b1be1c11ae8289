import { task } from "@trigger.dev/sdk/v3";

export const myTask1 = task({
  id: "my-task-1",
  run: async (payload: { some: string }) => payload.some,
});
export const myTask2 = task({
  id: "my-task-2",
  run: async (payload: { other: string }) => payload.other,
});
