/** Idempotency keys of their own: made free, and those of waits. */
import { idempotencyKeyOf, LIMITS, readKeyTtl, refuse } from "@millrace/proto";
import { taskIdempotencyKey } from "../claims/idempotency.ts";
import { shortKey } from "../claims/keys.ts";
import { answer, type Answering, type Platform } from "./answers.ts";

export function keyCalls({ stores }: Platform): {
  readonly "idempotencyKeys.reset": Answering<"idempotencyKeys.reset">;
  readonly "waits.until": Answering<"waits.until">;
} {
  return {
    "idempotencyKeys.reset": async (env, { taskId, key }) => {
      const bucket = await stores.idempotency();
      const isPossible = taskId.length > 0 && taskId.length <= LIMITS.taskIdLength && key !== "";
      const bucketKey = isPossible ? taskIdempotencyKey(env, taskId, key) : undefined;
      const entry = bucketKey === undefined ? undefined : await bucket.get(bucketKey);
      if (bucketKey === undefined || !entry || entry.value.expiresAt <= Date.now())
        return refuse(
          "IDEMPOTENCY_KEY_NOT_FOUND",
          `No run of task ${JSON.stringify(taskId)} holds the key ${JSON.stringify(key)}`,
        );
      await bucket.delete(bucketKey);
      return answer({ id: key });
    },
    "waits.until": async (env, { key, ttl, until }) => {
      const ttlMs = readKeyTtl(ttl);
      if (ttlMs === undefined)
        return refuse(
          "INVALID_OPTION",
          `idempotencyKeyTTL must be a number and one of s, m, h, d, not ${JSON.stringify(ttl)}`,
        );
      const nowMs = Date.now();
      const bucket = await stores.idempotency();
      const record = await bucket.change(
        idempotencyKeyOf(env, "wait", shortKey(key)),
        (current) =>
          current && current.expiresAt > nowMs
            ? undefined
            : { id: String(until), expiresAt: nowMs + ttlMs },
        { ttlMs: () => ttlMs },
      );
      return answer({ until: record ? Number(record.id) : until });
    },
  };
}
