import type { TriggerConfig } from "@trigger.dev/sdk/v3";
export const config: TriggerConfig = {
// #region snippet
onStart: async (payload, { ctx }) => {
console.log("Task started", ctx.task.id);
},
onSuccess: async (payload, output, { ctx }) => {
console.log("Task succeeded", ctx.task.id);
},
onFailure: async (payload, error, { ctx }) => {
console.log("Task failed", ctx.task.id);
},
// #endregion
};
