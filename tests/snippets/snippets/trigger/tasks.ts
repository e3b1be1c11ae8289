import { task } from "@trigger.dev/sdk";

export { processData } from "../002-01.ts";

export const myTask = task({
  id: "my-task",
  run: async (payload: { data: string }) => payload.data,
});
