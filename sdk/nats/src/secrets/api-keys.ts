/** API keys as records in the broker: recognised by their hash, kept encrypted. */
import { createHash } from "node:crypto";
import { BUCKETS, keyRecordSchema, type KeyRecord } from "@millrace/proto";
import { Bucket } from "../buckets.ts";
import { reencryptAll, type Reencrypted } from "./reencrypt.ts";
import type { NatsConnection } from "../connect.ts";
import type { SecretBox } from "./secret-box.ts";

/** Enough to tell keys apart, and of no use to anybody else. */
const HINT = { beginning: 12, end: 4 } as const;

/** Under which a key's record is kept. */
export function hashOfKey(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

/** The key's record. @param box seals the key for its record alone */
function recordOfKey(
  key: string,
  box: SecretBox,
  record: { readonly env: string; readonly createdAt: number },
): KeyRecord {
  const hint = `${key.slice(0, HINT.beginning)}…${key.slice(-HINT.end)}`;
  return { ...record, hint, sealed: box.seal(key, hashOfKey(key)) };
}

/** The key of a record; undefined when it is not kept, or sealed with a master key that is not here. */
export function openKey(hash: string, record: KeyRecord, box: SecretBox): string | undefined {
  return record.sealed === undefined ? undefined : box.open(record.sealed, hash);
}

/** Seals every key anew, with the current master key. Returns how many could be, and how many do not open here. */
export async function reencryptKeys(nc: NatsConnection, box: SecretBox): Promise<Reencrypted> {
  const keys = await Bucket.open(nc, BUCKETS.keys, keyRecordSchema);
  return await reencryptAll(keys, box);
}

/** Lets a key in. The same key again stays as it is; one that nobody can unseal any more is sealed anew. */
export async function registerKey(
  nc: NatsConnection,
  box: SecretBox,
  key: string,
  record: { readonly env: string; readonly createdAt: number },
): Promise<void> {
  const keys = await Bucket.open(nc, BUCKETS.keys, keyRecordSchema);
  const hash = hashOfKey(key);
  const { hint, sealed } = recordOfKey(key, box, record);
  await keys.change(hash, (current) => {
    if (!current) return { ...record, hint, sealed };
    return openKey(hash, current, box) === key ? undefined : { ...current, hint, sealed };
  });
}
