import { z } from "zod";
import { LIMITS } from "../api/trigger.ts";
import { timestamp } from "../events/values.ts";
import { boundedToken } from "../wire/tokens.ts";

/**
 * A cron schedule. Slots before `activeSince` do not count: they were before it was made, changed or activated. Its id
 * is a function of its task (declarative) or deduplication key (imperative), so that making it again changes it.
 */
export const scheduleRecordSchema = z.object({
  id: z.string(),
  type: z.enum(["DECLARATIVE", "IMPERATIVE"]),
  task: z.string(),
  active: z.boolean(),
  /** Five fields. */
  cron: z.string(),
  /** An IANA name. */
  timezone: z.string(),
  deduplicationKey: z.string().optional(),
  externalId: z.string().optional(),
  /** Spreads slots: a duration, or a percentage of the time to the next slot. */
  window: z.string().optional(),
  /** How many slots that were missed are made up for; default none. */
  catchUp: z.number().int().nonnegative().max(LIMITS.catchUp).optional(),
  /** Of a declarative one: which code declares it (see `AgentRecord.source`). */
  source: z.string().optional(),
  activeSince: timestamp,
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type ScheduleRecord = z.infer<typeof scheduleRecordSchema>;

export function scheduleKey(env: string, scheduleId: string): string {
  return `${env}.${boundedToken(scheduleId)}`;
}
