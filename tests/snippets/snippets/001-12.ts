import { task } from "@trigger.dev/sdk/v3";
// #region snippet
export const taskWithOnFailure = task({
id: "task-with-on-failure",
onFailure: async (payload, error, { ctx }) => {
// Handle failure
},
run: async (payload, { ctx }) => {
// Task logic
},
});
// #endregion
