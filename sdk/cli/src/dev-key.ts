/** Lets the development key in. */
import { createHash } from "node:crypto";
import { Bucket, type NatsConnection } from "@millrace/nats";
import { BUCKETS, keyRecordSchema } from "@millrace/proto";
import { DEV_ENV } from "./served-tasks.ts";

/** The broker keeps the hash alone. The same key again changes nothing. */
export async function registerDevKey(
  nc: NatsConnection,
  key: string,
  nowMs: number,
): Promise<void> {
  const keys = await Bucket.open(nc, BUCKETS.keys, keyRecordSchema);
  const hash = createHash("sha256").update(key).digest("hex");
  await keys.create(hash, { env: DEV_ENV, createdAt: nowMs });
}
