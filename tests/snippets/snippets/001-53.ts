import { idempotencyKeys, tasks } from "@trigger.dev/sdk/v3";
// #region snippet
import { createHash } from "node:crypto";
// #endregion
export async function trigger(payload: unknown) {
// #region snippet
const idempotencyKey = await idempotencyKeys.create(hash(payload));
await tasks.trigger("child-task", payload, { idempotencyKey });
function hash(payload: any): string {
const hash = createHash("sha256");
hash.update(JSON.stringify(payload));
return hash.digest("hex");
}
// #endregion
}
