/** The `schedules` namespace: tasks that run by the calendar, and schedules that code makes. */
import type { CallOutput, ScheduleView } from "@millrace/proto";
import { callPlatform } from "./platform.ts";
import type { RequestOptions } from "./request-options.ts";
import { scheduledTask } from "./scheduled-task.ts";

export type ScheduleObject = Omit<ScheduleView, "nextRun" | "nextRunEffectiveAt"> & {
  /** The next slot; absent while the schedule is inactive. */
  readonly nextRun?: Date;
  /** The same with what the window adds. */
  readonly nextRunEffectiveAt?: Date;
};

export type UpdateScheduleOptions = {
  /** A task that was defined with `schedules.task()`. */
  readonly task: string;
  /** Five fields: minute, hour, day of month, month, day of week. */
  readonly cron: string;
  /** Comes with every run's payload: whose schedule it is, for example. */
  readonly externalId?: string;
  /** An IANA name. Default UTC. */
  readonly timezone?: string;
  /** Spreads slots: a duration of at most `24h`, or `1%` to `100%` of the time to the next slot. */
  readonly window?: string;
  /** How many slots that were missed while nothing ran are made up for, at most 1000. Default none. */
  readonly catchUp?: number;
};

export type CreateScheduleOptions = UpdateScheduleOptions & {
  /** Creating a schedule with the key of another changes that one. */
  readonly deduplicationKey: string;
};

export type SchedulePage = {
  readonly data: readonly ScheduleObject[];
  readonly pagination: CallOutput<"schedules.list">["pagination"];
};

export const schedules = {
  task: scheduledTask,

  /**
   * Makes a schedule, or changes the one with this deduplication key. Its slots count from now on.
   * @throws UnprocessableEntityError naming what is wrong with the expression, the time zone, the window or the task
   */
  create: async (
    options: CreateScheduleOptions,
    requestOptions?: RequestOptions,
  ): Promise<ScheduleObject> =>
    scheduleOf(await callPlatform("schedules.create", options, requestOptions)),

  /** @throws NotFoundError */
  retrieve: async (id: string, requestOptions?: RequestOptions): Promise<ScheduleObject> =>
    scheduleOf(await callPlatform("schedules.retrieve", { id }, requestOptions)),

  /**
   * Replaces everything but the deduplication key: what is left out is as if it had never been said.
   * @throws UnprocessableEntityError, also when the schedule belongs to a task's code
   */
  update: async (
    id: string,
    options: UpdateScheduleOptions,
    requestOptions?: RequestOptions,
  ): Promise<ScheduleObject> =>
    scheduleOf(await callPlatform("schedules.update", { id, ...options }, requestOptions)),

  /** @throws NotFoundError, UnprocessableEntityError when the schedule belongs to a task's code */
  del: async (id: string, requestOptions?: RequestOptions): Promise<{ readonly id: string }> =>
    await callPlatform("schedules.delete", { id }, requestOptions),

  /** Its slots count from now on. */
  activate: async (id: string, requestOptions?: RequestOptions): Promise<ScheduleObject> =>
    scheduleOf(await callPlatform("schedules.activate", { id }, requestOptions)),

  /** Nothing is triggered until it is activated. */
  deactivate: async (id: string, requestOptions?: RequestOptions): Promise<ScheduleObject> =>
    scheduleOf(await callPlatform("schedules.deactivate", { id }, requestOptions)),

  /** One page, from 1, the newest first; at most 100 a page. */
  list: async (
    options: { readonly page?: number; readonly perPage?: number } = {},
    requestOptions?: RequestOptions,
  ): Promise<SchedulePage> => {
    const { data, pagination } = await callPlatform("schedules.list", options, requestOptions);
    return { data: data.map(scheduleOf), pagination };
  },

  /** The names a schedule's time zone may have. */
  timezones: async (
    options: { readonly excludeUtc?: boolean } = {},
    requestOptions?: RequestOptions,
  ): Promise<CallOutput<"schedules.timezones">> =>
    await callPlatform("schedules.timezones", options, requestOptions),
} as const;

function scheduleOf(view: ScheduleView): ScheduleObject {
  const { nextRun, nextRunEffectiveAt, ...others } = view;
  return {
    ...others,
    ...(nextRun === undefined ? {} : { nextRun: new Date(nextRun) }),
    ...(nextRunEffectiveAt === undefined
      ? {}
      : { nextRunEffectiveAt: new Date(nextRunEffectiveAt) }),
  };
}
