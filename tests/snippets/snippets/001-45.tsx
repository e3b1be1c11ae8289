import { auth } from "@trigger.dev/sdk/v3";
import { RunDetails } from "../stand-ins/router.ts";
import { TriggerProvider } from "./001-42.tsx";
// #region snippet
// Page component
export default async function RunPage({ params }) {
const publicAccessToken = await generatePublicAccessToken(params.id);
return (
<TriggerProvider accessToken={publicAccessToken}>
<RunDetails id={params.id} />
</TriggerProvider>
);
}
// Token generation function
export async function generatePublicAccessToken(runId: string) {
return auth.createPublicToken({
scopes: {
read: {
runs: [runId],
},
},
expirationTime: "1h",
});
}
// #endregion
