/** Schedules' records: what they are called, and how a change of one goes on from what was there. Pure. */
import { createHash } from "node:crypto";
import type { ScheduleRecord } from "@millrace/proto";

/** What a schedule is made of; a change replaces all of it. */
export type ScheduleSettings = Pick<
  ScheduleRecord,
  "task" | "cron" | "timezone" | "externalId" | "window" | "catchUp"
>;

/** Who makes it: a call, by its deduplication key, or the code of its task. */
export type ScheduleMaker =
  | { readonly deduplicationKey: string }
  | { readonly source: string; readonly task: string };

/** The same maker's schedule has the same id. */
export function scheduleIdOf(
  env: string,
  maker: { readonly deduplicationKey: string } | { readonly task: string },
): string {
  const name =
    "deduplicationKey" in maker
      ? ["imperative", env, maker.deduplicationKey]
      : ["declarative", env, maker.task];
  const hash = createHash("sha256").update(JSON.stringify(name)).digest("hex");
  return `sched_${hash.slice(0, 24)}`;
}

/**
 * The record after a change. Slots count from now on when it is new, or comes at other times than before; otherwise
 * from when they did.
 */
export function scheduleRecord(
  env: string,
  maker: ScheduleMaker,
  settings: ScheduleSettings,
  current: ScheduleRecord | undefined,
  nowMs: number,
): ScheduleRecord {
  const isDeclared = "source" in maker;
  const isSameTimes =
    current !== undefined &&
    current.cron === settings.cron &&
    current.timezone === settings.timezone &&
    current.window === settings.window;
  return {
    id: scheduleIdOf(env, maker),
    type: isDeclared ? "DECLARATIVE" : "IMPERATIVE",
    ...settings,
    active: isDeclared || (current?.active ?? true),
    ...(isDeclared ? { source: maker.source } : { deduplicationKey: maker.deduplicationKey }),
    activeSince: isSameTimes ? current.activeSince : nowMs,
    createdAt: current?.createdAt ?? nowMs,
    updatedAt: nowMs,
  };
}
