import { childTask } from "../stand-ins/children.ts";
// #region snippet
import { idempotencyKeys, task } from "@trigger.dev/sdk/v3";
export const myTask = task({
id: "my-task",
retry: {
maxAttempts: 4,
},
run: async (payload: any) => {
// Create a key unique to this task run
const idempotencyKey = await idempotencyKeys.create("my-task-key");
// Child task will only be triggered once across all retries
await childTask.trigger({ foo: "bar" }, { idempotencyKey });
// This may throw an error and cause retries
throw new Error("Something went wrong");
},
});
// #endregion
