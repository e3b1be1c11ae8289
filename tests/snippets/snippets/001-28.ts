import { batch, runs, task } from "@trigger.dev/sdk/v3";
import { childTask1, childTask2 } from "../stand-ins/children.ts";
// #region snippet
export const parentTask = task({
id: "parent-task",
run: async (payload: string) => {
const results = await batch.triggerByTask([
{ task: childTask1, payload: { foo: "World" } },
{ task: childTask2, payload: { bar: 42 } },
]);
const run1 = await runs.retrieve(results.runs[0]);
const run2 = await runs.retrieve(results.runs[1]);
},
});
// #endregion
