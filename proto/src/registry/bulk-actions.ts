import { z } from "zod";
import { runFilterSchema } from "../api/calls.ts";
import { timestamp } from "../events/values.ts";
import { boundedToken } from "../wire/tokens.ts";

/**
 * A bulk action. `place` is how far it is: of `runIds` the number that are done, of a filter the last run that was. The
 * runs it is about were made by `createdAt` and are in the log up to `maxSeq`: it never meets those it makes itself.
 */
export const bulkRecordSchema = z.object({
  id: z.string(),
  name: z.string().optional(),
  action: z.enum(["cancel", "replay"]),
  target: z.discriminatedUnion("by", [
    z.object({
      by: z.literal("filter"),
      filter: runFilterSchema,
      maxSeq: z.number().int().nonnegative(),
      place: z.object({ createdAt: timestamp, seq: z.number().int() }).optional(),
    }),
    z.object({
      by: z.literal("runs"),
      runIds: z.array(z.string()),
      place: z.number().int().nonnegative(),
    }),
  ]),
  targetRegion: z.string().optional(),
  status: z.enum(["PENDING", "COMPLETED", "ABORTED"]),
  counts: z.object({
    total: z.number().int().nonnegative(),
    success: z.number().int().nonnegative(),
    failure: z.number().int().nonnegative(),
  }),
  createdAt: timestamp,
  completedAt: timestamp.optional(),
});
export type BulkRecord = z.infer<typeof bulkRecordSchema>;

export function bulkKey(env: string, bulkId: string): string {
  return `${env}.${boundedToken(bulkId)}`;
}
