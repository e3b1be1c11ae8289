import { idempotencyKeys } from "@trigger.dev/sdk/v3";
export async function makeKey() {
// #region snippet
const idempotencyKey = await idempotencyKeys.create("my-task-key", { scope: "global" });
// #endregion
  return idempotencyKey;
}
