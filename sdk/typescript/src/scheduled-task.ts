/** `schedules.task()`: a task that runs at the times of its schedules. */
import { ENVIRONMENT_TYPES, LIMITS, type EnvironmentType } from "@millrace/proto";
import type { LifecycleHooks } from "./lifecycle/hook-types.ts";
import { defineTaskRecord, type DefinedTask } from "./registry.ts";
import { recordOf, type OutputOf } from "./task.ts";
import { taskHandle } from "./task-handle.ts";
import { taskProblem, type RunFunction, type TaskSettings } from "./task-options.ts";
import type { Task } from "./task-types.ts";
import type { Untyped } from "./untyped.ts";

/** What a scheduled run gets. */
export type ScheduledTaskPayload = {
  /** `DECLARATIVE`: from the task's `cron`; `IMPERATIVE`: from `schedules.create()`. */
  readonly type: "DECLARATIVE" | "IMPERATIVE";
  /** The slot: when the schedule says, whenever the run starts. */
  readonly timestamp: Date;
  /** The slot before; absent at a schedule's first one. */
  readonly lastTimestamp?: Date | undefined;
  /** An IANA name. */
  readonly timezone: string;
  readonly scheduleId: string;
  /** As the schedule was created with it. */
  readonly externalId?: string | undefined;
  /** The next slots, at least 5 where there are so many. */
  readonly upcoming: Date[];
};

export type CronOption =
  | string
  | {
      /** Five fields: minute, hour, day of month, month, day of week. */
      readonly pattern: string;
      /** An IANA name. Default UTC. */
      readonly timezone?: string | undefined;
      /** Spreads slots: a duration of at most `24h`, or `1%` to `100%` of the time to the next slot. */
      readonly window?: string | undefined;
      /** Where the schedule counts: types of environments, or their names. Default: everywhere. */
      readonly environments?: readonly (EnvironmentType | (string & {}))[] | undefined;
      /** How many slots that were missed while nothing ran are made up for, at most 1000. Default none. */
      readonly catchUp?: number | undefined;
    };

export type ScheduledTaskOptions<
  TId extends string,
  TOutput,
  TInit = Untyped,
  TRun = unknown,
> = TaskSettings<TId> &
  LifecycleHooks<ScheduledTaskPayload, TOutput, TInit> & {
    /** The task's own schedule. Without one it runs at the times of the schedules made by `schedules.create()`. */
    readonly cron?: CronOption | undefined;
    readonly run: TRun & RunFunction<ScheduledTaskPayload, TOutput, TInit>;
  };

/**
 * Defines a task for schedules.
 * @throws Error naming the task and the option that is unusable. An agent does not serve a task whose cron expression
 * cannot be read, and says why.
 */
export function scheduledTask<
  TId extends string,
  TOutput = unknown,
  TInit = Untyped,
  TRun = unknown,
>(
  options: ScheduledTaskOptions<TId, TOutput, TInit, TRun>,
): Task<TId, ScheduledTaskPayload, OutputOf<TRun, TOutput>> {
  const { cron, ...definition } = options;
  const { id } = definition;
  const problem = taskProblem(definition) ?? (cron === undefined ? undefined : cronProblem(cron));
  if (problem !== undefined)
    throw new Error(`schedules.task({ id: ${JSON.stringify(id)} }): ${problem}`);
  const handle = taskHandle<TId, ScheduledTaskPayload, OutputOf<TRun, TOutput>>(id, undefined);
  defineTaskRecord({
    ...recordOf(definition, handle),
    triggerSource: "schedule",
    ...(cron === undefined ? {} : { schedule: scheduleOf(cron) }),
  });
  return handle;
}

const OPTIONS: ReadonlySet<string> = new Set<keyof Exclude<CronOption, string>>([
  "pattern",
  "timezone",
  "window",
  "environments",
  "catchUp",
]);

/** Whether it is of the right form; the calendar is for the agent, which has one. */
function cronProblem(cron: CronOption): string | undefined {
  if (typeof cron === "string") return undefined;
  if (typeof cron !== "object" || cron === null || typeof cron.pattern !== "string")
    return "cron is an expression of five fields, or { pattern, … }";
  const unknown = Object.keys(cron).find((name) => !OPTIONS.has(name));
  if (unknown !== undefined) return `option "cron.${unknown}" is not supported by this version`;
  const { environments, catchUp } = cron;
  if (environments !== undefined && !Array.isArray(environments))
    return `cron.environments is a list of environments (${ENVIRONMENT_TYPES.join(", ")}, or names)`;
  const isCount = Number.isInteger(catchUp) && Number(catchUp) >= 0;
  if (catchUp !== undefined && !(isCount && catchUp <= LIMITS.catchUp))
    return `cron.catchUp is a number of slots from 0 to ${LIMITS.catchUp}, not ${catchUp}`;
  return undefined;
}

function scheduleOf(cron: CronOption): NonNullable<DefinedTask["schedule"]> {
  if (typeof cron === "string") return { cron, timezone: "UTC" };
  const { pattern, timezone = "UTC", window, environments, catchUp } = cron;
  return {
    cron: pattern,
    timezone,
    ...(window === undefined ? {} : { window }),
    ...(environments === undefined ? {} : { environments: [...environments] }),
    ...(catchUp === undefined ? {} : { catchUp }),
  };
}
