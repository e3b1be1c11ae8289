import { tasks } from "@trigger.dev/sdk/v3";
import type { exampleTask } from "../stand-ins/example.ts";
import { cookies, redirect, RunDetails } from "../stand-ins/router.ts";
import { TriggerProvider } from "./001-42.tsx";
// #region snippet
// Server action
export async function startRun() {
const handle = await tasks.trigger<typeof exampleTask>("example", { foo: "bar" });
cookies().set("publicAccessToken", handle.publicAccessToken);
redirect(`/runs/${handle.id}`);
}
// Page component
export default function RunPage({ params }) {
const publicAccessToken = cookies().get("publicAccessToken");
return (
<TriggerProvider accessToken={publicAccessToken}>
<RunDetails id={params.id} />
</TriggerProvider>
);
}
// #endregion
