import { task } from "@trigger.dev/sdk/v3";
// #region snippet
export const taskWithErrorHandling = task({
id: "task-with-error-handling",
handleError: async (error, { ctx }) => {
// Custom error handling
},
run: async (payload, { ctx }) => {
// Task logic
},
});
// #endregion
