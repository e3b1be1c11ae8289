import { myTask } from "../stand-ins/my-task.ts";
// #region snippet
import { idempotencyKeys } from "@trigger.dev/sdk";

// #endregion
export async function trigger(orderId: string) {
// #region snippet
// Trigger-level (prevent duplicate runs)
await myTask.trigger({ orderId: "123" }, { idempotencyKey: "process-order-123" });

// Inside task — run-scoped (safe for retries)
const runKey = await idempotencyKeys.create(`charge-${orderId}`);

// Inside task — global (unique across different runs)
const globalKey = await idempotencyKeys.create(`order-${orderId}`, { scope: "global" });

// For long-term dedup (beyond 30-day TTL), use database-level checks
// #endregion
  return { runKey, globalKey };
}
