/** Sealing everything in a bucket anew, after the master key was changed. */
import type { Bucket } from "../buckets.ts";
import type { SecretBox } from "./secret-box.ts";

export type Reencrypted = { readonly done: number; readonly unreadable: number };

/** Records that change meanwhile keep what was written to them. */
export async function reencryptAll<T extends { readonly sealed?: string | undefined }>(
  bucket: Bucket<T>,
  box: SecretBox,
): Promise<Reencrypted> {
  const keys: string[] = [];
  await bucket.each(">", (key, { sealed }) => {
    if (sealed !== undefined) keys.push(key);
  });
  let done = 0;
  for (const key of keys) {
    let isDone = true;
    await bucket.change(key, (record) => {
      if (record?.sealed === undefined) return undefined;
      const sealed = box.reseal(record.sealed, key);
      isDone = sealed !== undefined;
      return sealed === undefined ? undefined : { ...record, sealed };
    });
    if (isDone) done++;
  }
  return { done, unreadable: keys.length - done };
}
