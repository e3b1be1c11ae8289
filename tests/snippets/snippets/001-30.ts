import { myTask } from "../stand-ins/my-task.ts";
export async function trigger() {
// #region snippet
const handle = await myTask.trigger(
{ message: "hello world" },
{ metadata: { user: { name: "Eric", id: "user_1234" } } }
);
// #endregion
  return handle;
}
