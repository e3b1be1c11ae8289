import { myTask } from "./001-18.ts";
export async function trigger() {
// #region snippet
await myTask.trigger({ name: "Alice", age: 30 });
// #endregion
}
