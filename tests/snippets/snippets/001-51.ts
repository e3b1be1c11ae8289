import { myTask } from "../stand-ins/my-task.ts";
export async function trigger(myUser: { id: string }) {
// #region snippet
await myTask.trigger({ some: "data" }, { idempotencyKey: myUser.id });
// #endregion
}
