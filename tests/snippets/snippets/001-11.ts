import { task } from "@trigger.dev/sdk/v3";
// #region snippet
export const taskWithOnSuccess = task({
id: "task-with-on-success",
onSuccess: async (payload, output, { ctx }) => {
// Handle success
},
run: async (payload, { ctx }) => {
// Task logic
},
});
// #endregion
