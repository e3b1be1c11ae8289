import { batch, task } from "@trigger.dev/sdk/v3";
import type { childTask1, childTask2 } from "../stand-ins/children.ts";
// #region snippet
export const parentTask = task({
id: "parent-task",
run: async (payload: string) => {
const results = await batch.triggerAndWait<typeof childTask1 | typeof childTask2>([
{ id: "child-task-1", payload: { foo: "World" } },
{ id: "child-task-2", payload: { bar: 42 } },
]);
for (const result of results) {
if (result.ok) {
switch (result.taskIdentifier) {
case "child-task-1":
console.log("Child task 1 output", result.output);
break;
case "child-task-2":
console.log("Child task 2 output", result.output);
break;
}
}
}
},
});
// #endregion
