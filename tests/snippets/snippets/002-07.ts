import { myTask } from "../stand-ins/my-task.ts";
export async function trigger() {
// #region snippet
await myTask.trigger(
  { userId: "123" },
  {
    debounce: {
      key: "user-123-update",
      delay: "5s",
      mode: "trailing", // Use latest payload (default: "leading")
    },
  }
);
// #endregion
}
