/** Users' keys as parts of bucket keys. */
import { createHash } from "node:crypto";

/** A subject has to fit the broker's line of 4 KB, each odd character of it being five. */
const PLAIN_MAX = 200;
const PLAIN = /^[A-Za-z0-9_-]*$/;

/** The key itself while it is short, as a rule: one can be read in the bucket. Else what stands for it. */
export function shortKey(key: string): string {
  const length = PLAIN.test(key) ? key.length : key.length * 5;
  if (length <= PLAIN_MAX) return key;
  return `sha256:${createHash("sha256").update(key).digest("hex")}`;
}
