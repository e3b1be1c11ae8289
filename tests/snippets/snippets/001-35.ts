// #region snippet
import { runs, tasks } from "@trigger.dev/sdk/v3";
async function myBackend() {
const handle = await tasks.trigger("my-task", { some: "data" });
for await (const run of runs.subscribeToRun(handle.id)) {
console.log(run); // Logs the run every time it changes
}
}
// #endregion
export { myBackend };
