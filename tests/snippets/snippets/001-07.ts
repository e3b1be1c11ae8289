import { task } from "@trigger.dev/sdk/v3";
// #region snippet
export const longTask = task({
id: "long-task",
maxDuration: 300, // 5 minutes
run: async (payload) => {
// Task logic
},
});
// #endregion
