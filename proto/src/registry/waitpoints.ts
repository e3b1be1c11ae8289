import { z } from "zod";
import { timestamp } from "../events/values.ts";
import { boundedToken } from "../wire/tokens.ts";

/**
 * A waitpoint token. Complete once `completedAt` is there, and unchanged from then on; timed out when it is not and
 * `timeoutAt` has passed.
 */
export const tokenRecordSchema = z.object({
  id: z.string(),
  createdAt: timestamp,
  timeoutAt: timestamp.optional(),
  tags: z.array(z.string()),
  idempotencyKey: z.string().optional(),
  idempotencyKeyExpiresAt: timestamp.optional(),
  completedAt: timestamp.optional(),
  output: z.string().optional(),
  outputType: z.string().optional(),
});
export type TokenRecord = z.infer<typeof tokenRecordSchema>;

export function tokenKey(env: string, tokenId: string): string {
  return `${env}.${boundedToken(tokenId)}`;
}
