import { task } from "@trigger.dev/sdk/v3";
// #region snippet
export const taskWithOnStart = task({
id: "task-with-on-start",
onStart: async (payload, { ctx }) => {
// Send notification, log, etc.
},
run: async (payload, { ctx }) => {
// Task logic
},
});
// #endregion
