import { idempotencyKeys, tasks } from "@trigger.dev/sdk/v3";
export async function trigger(myUser: { id: string }) {
// #region snippet
const idempotencyKey = await idempotencyKeys.create([myUser.id, "my-task"]);
await tasks.trigger("my-task", { some: "data" }, { idempotencyKey });
// #endregion
}
