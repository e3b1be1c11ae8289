import { task } from "@trigger.dev/sdk/v3";
import { childTask } from "../stand-ins/children.ts";
// #region snippet
export const batchParentTask = task({
id: "parent-task",
run: async (payload: string) => {
const results = await childTask.batchTriggerAndWait([
{ payload: "item4" },
{ payload: "item5" },
{ payload: "item6" },
]);
console.log("Results", results);
//...do stuff with the result
},
});
// #endregion
