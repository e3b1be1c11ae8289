/**
 * The schedules that the served tasks declare, as records.
 *
 * An agent writes what its tasks declare and removes nothing: another agent may still declare it, in a rolling deployment
 * or because it serves other tasks. Every agent says in its presence which code it serves (`source`) and what that
 * declares; the schedulers remove what nobody who serves the code declares any more.
 */
import { BUCKETS, environmentType, scheduleKey, scheduleRecordSchema } from "@millrace/proto";
import { Bucket, scheduleIdOf, scheduleRecord, type NatsConnection } from "@millrace/service-kit";
import type { Served, ServedTask } from "./served-tasks.ts";

/** @returns the ids of the schedules the tasks declare in this environment */
export async function declareSchedules(
  nc: NatsConnection,
  env: string,
  source: string,
  tasks: Served["tasks"],
): Promise<string[]> {
  const bucket = await Bucket.open(nc, BUCKETS.schedules, scheduleRecordSchema);
  const declared = await Promise.all(
    [...tasks].map(async ([task, { schedule }]) => {
      const id = scheduleIdOf(env, { task });
      const counts = schedule !== undefined && countsIn(env, schedule);
      await bucket.change(scheduleKey(env, id), (current) => {
        if (!counts) {
          // Of the same task as other code knew it: it is this code that does without it.
          return current && current.source !== source ? { ...current, source } : undefined;
        }
        const { environments: _, ...times } = schedule;
        const next = scheduleRecord(env, { source, task }, { task, ...times }, current, Date.now());
        return current && isSame(current, next) ? undefined : next;
      });
      return counts ? [id] : [];
    }),
  );
  return declared.flat();
}

function countsIn(env: string, { environments }: NonNullable<ServedTask["schedule"]>): boolean {
  return (
    environments === undefined ||
    environments.includes(env) ||
    environments.includes(environmentType(env))
  );
}

type Declared = {
  readonly cron: string;
  readonly timezone: string;
  readonly window?: string | undefined;
  readonly catchUp?: number | undefined;
  readonly source?: string | undefined;
};

function isSame(a: Declared, b: Declared): boolean {
  return (["cron", "timezone", "window", "catchUp", "source"] as const).every(
    (field) => a[field] === b[field],
  );
}
