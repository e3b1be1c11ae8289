/** Records of what requests are let in by: API keys, and tokens that are good for one request. */
import { z } from "zod";
import { timestamp } from "../events/values.ts";

/**
 * An API key's record, kept under the key's SHA-256 in hex: by it a key is recognised. `sealed` is the key itself,
 * encrypted with the installation's master key: what public tokens are signed and verified with. A key without it opens
 * its environment all the same, and vouches for no token.
 */
export const keyRecordSchema = z.object({
  env: z.string(),
  createdAt: timestamp,
  /** For people: the beginning and the end of the key. */
  hint: z.string().optional(),
  sealed: z.string().optional(),
  /** From then on it opens nothing, and the tokens it signed are worth nothing. */
  validUntil: timestamp.optional(),
});
export type KeyRecord = z.infer<typeof keyRecordSchema>;

/**
 * What a one-time token was used for. `request`: the one request it was used by, null while it is to be used; `uses`
 * counts up. `answer` is what the request was answered with: whoever sends it again is told the same.
 */
export const usedTokenRecordSchema = z.object({
  request: z.string().nullable(),
  uses: z.number().int().nonnegative(),
  answer: z
    .object({ status: z.number().int(), body: z.string(), handleToken: z.string().optional() })
    .optional(),
});
export type UsedTokenRecord = z.infer<typeof usedTokenRecordSchema>;

/** @param hash the token's SHA-256 in hex */
export function usedTokenKey(env: string, hash: string): string {
  return `${env}.${hash}`;
}
