import { task } from "@trigger.dev/sdk/v3";
// #region snippet
export const taskWithCleanup = task({
id: "task-with-cleanup",
cleanup: async (payload, { ctx }) => {
// Cleanup resources
},
run: async (payload, { ctx }) => {
// Task logic
},
});
// #endregion
