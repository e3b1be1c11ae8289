/** A schedule as users see it. Pure. */
import cronstrue from "cronstrue";
import { environmentType, type ScheduleRecord, type ScheduleView } from "@millrace/proto";
import { slotAfter } from "./calendar.ts";
import { readCron } from "./cron.ts";
import { effectiveAt } from "./window.ts";

export function viewOfSchedule(env: string, record: ScheduleRecord, nowMs: number): ScheduleView {
  const { id, type, task, active, timezone } = record;
  const { deduplicationKey, externalId, window, catchUp } = record;
  return {
    id,
    type,
    task,
    active,
    ...(deduplicationKey === undefined ? {} : { deduplicationKey }),
    ...(externalId === undefined ? {} : { externalId }),
    generator: {
      type: "CRON",
      expression: record.cron,
      description: cronstrue.toString(record.cron, { throwExceptionOnParseError: false }),
    },
    timezone,
    ...(window === undefined ? {} : { window }),
    ...(catchUp === undefined ? {} : { catchUp }),
    ...nextRun(record, nowMs),
    environments: [{ id: env, type: environmentType(env) }],
  };
}

function nextRun(record: ScheduleRecord, nowMs: number): Partial<ScheduleView> {
  const read = readCron(record.cron, record.timezone);
  if (!record.active || !read.ok) return {};
  const slotAt = slotAfter(read.cron, nowMs);
  if (slotAt === undefined) return {};
  return {
    nextRun: new Date(slotAt).toISOString(),
    nextRunEffectiveAt: new Date(effectiveAt(read.cron, record, slotAt)).toISOString(),
  };
}
