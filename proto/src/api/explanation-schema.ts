/** `GET /api/v1/runs/:id/explain`, as a schema: `explain.ts` has the rules. Times are epoch milliseconds. */
import { z } from "zod";
import { timestamp } from "../events/values.ts";
import { PUBLIC_STATUSES } from "./calls.ts";

const count = z.number().int().nonnegative();
const queue = z.string();
const key = z.string().optional();
const OUTCOMES = [
  "completed",
  "failed",
  "crashed",
  "system-failure",
  "timed-out",
  "canceled",
  "expired",
] as const;

export const reasonSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("delayed"), until: timestamp }),
  z.object({ kind: z.literal("backoff"), until: timestamp, attempt: count }),
  z.object({ kind: z.literal("paused"), queue }),
  z.object({
    kind: z.literal("concurrency"),
    queue,
    key,
    limit: count,
    held: count,
    holders: z.array(z.string()),
  }),
  z.object({
    kind: z.literal("rate-limit"),
    queue,
    key,
    limit: count,
    periodMs: count,
    nextAt: timestamp,
  }),
  z.object({ kind: z.literal("place"), queue, key, ahead: count }),
  z.object({
    kind: z.literal("no-agent"),
    pool: z.string(),
    preset: z.string(),
    isolation: z.string(),
    version: z.string().optional(),
    offered: z.array(z.string()),
  }),
  z.object({ kind: z.literal("agents-busy"), capacity: count, executing: count }),
  z.object({ kind: z.literal("executing"), agentId: z.string(), since: timestamp }),
  z.object({ kind: z.literal("waiting-time"), until: timestamp }),
  z.object({ kind: z.literal("waiting-children"), open: count, runIds: z.array(z.string()) }),
  z.object({
    kind: z.literal("waiting-token"),
    tokenId: z.string(),
    timeoutAt: timestamp.optional(),
  }),
  z.object({ kind: z.literal("finished"), outcome: z.enum(OUTCOMES), at: timestamp }),
]);

export const explanationSchema = z.object({
  id: z.string(),
  status: z.enum(PUBLIC_STATUSES),
  summary: z.string().describe("The first reason, in a sentence."),
  reasons: z.array(reasonSchema).describe("The one to look at first ahead."),
});
