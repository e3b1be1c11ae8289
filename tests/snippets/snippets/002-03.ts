// #region snippet
import { tasks } from "@trigger.dev/sdk";
import type { processData } from "./trigger/tasks";

// #endregion
export async function trigger() {
// #region snippet
// Single trigger (fire and forget)
const handle = await tasks.trigger<typeof processData>("process-data", {
  userId: "123",
  data: [{ id: 1 }],
});

// Batch trigger (up to 1,000 items, 3MB per payload)
const batchHandle = await tasks.batchTrigger<typeof processData>("process-data", [
  { payload: { userId: "123", data: [] } },
  { payload: { userId: "456", data: [] } },
]);
// #endregion
  return { handle, batchHandle };
}
