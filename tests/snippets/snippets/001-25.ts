import { task } from "@trigger.dev/sdk/v3";
import { childTask } from "../stand-ins/children.ts";
// #region snippet
export const parentTask = task({
id: "parent-task",
run: async (payload: string) => {
const result = await childTask.triggerAndWait("some-data");
console.log("Result", result);
//...do stuff with the result
},
});
// #endregion
