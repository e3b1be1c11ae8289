// #region snippet
import { runs } from "@trigger.dev/sdk/v3";
import type { myTask } from "./trigger/my-task";
// #endregion
export async function follow(handle: { id: string }) {
// #region snippet
for await (const run of runs.subscribeToRun<typeof myTask>(handle.id)) {
console.log(run.payload.some); // Type-safe access to payload
if (run.output) {
console.log(run.output.result); // Type-safe access to output
}
}
// #endregion
}
