import { batch, task } from "@trigger.dev/sdk/v3";
import { childTask1, childTask2 } from "../stand-ins/children.ts";
// #region snippet
export const parentTask = task({
id: "parent-task",
run: async (payload: string) => {
const { runs } = await batch.triggerByTaskAndWait([
{ task: childTask1, payload: { foo: "World" } },
{ task: childTask2, payload: { bar: 42 } },
]);
if (runs[0].ok) {
console.log("Child task 1 output", runs[0].output);
}
if (runs[1].ok) {
console.log("Child task 2 output", runs[1].output);
}
},
});
// #endregion
