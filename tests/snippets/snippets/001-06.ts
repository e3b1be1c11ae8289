import { task } from "@trigger.dev/sdk/v3";
// #region snippet
export const heavyTask = task({
id: "heavy-task",
machine: {
preset: "large-1x", // 4 vCPU, 8 GB RAM
},
run: async (payload) => {
// Task logic
},
});
// #endregion
