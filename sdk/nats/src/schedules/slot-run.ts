/** The run of a slot: its id and its payload are functions of the schedule and the slot, whoever triggers it. */
import { createHash } from "node:crypto";
import { iso, makeRunId, shardOfQueue, type Packet, type ScheduleRecord } from "@millrace/proto";
import { slotBefore, upcoming } from "./calendar.ts";
import type { Cron } from "./cron.ts";

const UPCOMING = 10;

/** One id for one slot: triggering it again finds the run there. */
export function slotRunId(env: string, queue: string, scheduleId: string, slotAt: number): string {
  const hash = createHash("sha256").update(`${scheduleId}\n${slotAt}`).digest();
  return makeRunId(shardOfQueue(env, queue), slotAt, hash);
}

/** v4's payload of a scheduled run. Dates are dates: superjson's own form. */
export function slotPayload(record: ScheduleRecord, cron: Cron, slotAt: number): Required<Packet> {
  const lastAt = slotBefore(cron, slotAt, record.activeSince);
  const next = upcoming(cron, slotAt, UPCOMING);
  const json = {
    type: record.type,
    timestamp: iso(slotAt),
    ...(lastAt === undefined ? {} : { lastTimestamp: iso(lastAt) }),
    timezone: record.timezone,
    scheduleId: record.id,
    ...(record.externalId === undefined ? {} : { externalId: record.externalId }),
    upcoming: next.map(iso),
  };
  const dates = [
    "timestamp",
    ...(lastAt === undefined ? [] : ["lastTimestamp"]),
    ...next.map((_, index) => `upcoming.${index}`),
  ];
  const values = Object.fromEntries(dates.map((path) => [path, ["Date"]]));
  return {
    data: JSON.stringify({ json, meta: { values, v: 1 } }),
    type: "application/super+json",
  };
}
