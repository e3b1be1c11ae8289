import { idempotencyKeys, task, wait } from "@trigger.dev/sdk/v3";
import { childTask } from "../stand-ins/children.ts";
export const expiring = task({
  id: "expiring-key",
  run: async () => {
    const idempotencyKey = await idempotencyKeys.create("my-task-key");
// #region snippet
await childTask.trigger(
{ foo: "bar" },
{ idempotencyKey, idempotencyKeyTTL: "60s" }
);
await wait.for({ seconds: 61 });
// Key expired, will trigger a new run
await childTask.trigger({ foo: "bar" }, { idempotencyKey });
// #endregion
  },
});
