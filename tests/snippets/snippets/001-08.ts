import { task } from "@trigger.dev/sdk/v3";
// #region snippet
export const taskWithInit = task({
id: "task-with-init",
init: async (payload, { ctx }) => {
return { someData: "someValue" };
},
run: async (payload, { ctx, init }) => {
console.log(init.someData); // "someValue"
},
});
// #endregion
