import { tasks } from "@trigger.dev/sdk/v3";
import type { exampleTask } from "../stand-ins/example.ts";
import { redirect } from "../stand-ins/router.ts";
// #region snippet
// Server action
export async function startRun() {
const handle = await tasks.trigger<typeof exampleTask>("example", { foo: "bar" });
redirect(`/runs/${handle.id}?publicAccessToken=${handle.publicAccessToken}`);
}
// #endregion
