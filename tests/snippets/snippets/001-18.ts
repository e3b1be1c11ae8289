// #region snippet
import { schemaTask } from "@trigger.dev/sdk/v3";
import { z } from "zod";
const myTask = schemaTask({
id: "my-task",
schema: z.object({
name: z.string(),
age: z.number(),
}),
run: async (payload) => {
// Payload is typed and validated
console.log(payload.name, payload.age);
},
});
// #endregion
export { myTask };
