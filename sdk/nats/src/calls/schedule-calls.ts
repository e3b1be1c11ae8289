/** Schedules made by calls, and all of them looked at. Those that task files declare belong to their code. */
import {
  refuse,
  scheduleKey,
  type CallInput,
  type NumberedPage,
  type Refusal,
  type ScheduleRecord,
  type ScheduleView,
} from "@millrace/proto";
import { checkCron } from "../schedules/cron.ts";
import { scheduleIdOf, scheduleRecord, type ScheduleSettings } from "../schedules/record.ts";
import { viewOfSchedule } from "../schedules/view.ts";
import { windowProblem } from "../schedules/window.ts";
import { answer, type Answer, type Answering, type Platform } from "./answers.ts";

const DEFAULT_PER_PAGE = 50;
const ID = /^sched_[0-9a-f]{24}$/;

type Calls = {
  readonly [
    C in
      | "schedules.create"
      | "schedules.retrieve"
      | "schedules.update"
      | "schedules.delete"
      | "schedules.activate"
      | "schedules.deactivate"
      | "schedules.list"
      | "schedules.timezones"
  ]: Answering<C>;
};

export function scheduleCalls(platform: Platform): Calls {
  const { stores } = platform;
  const view = (env: string, record: ScheduleRecord): ScheduleView =>
    viewOfSchedule(env, record, Date.now());
  /** Changes a schedule that a call has made. */
  const change = async (
    env: string,
    id: string,
    next: (record: ScheduleRecord) => ScheduleRecord | undefined,
  ): Promise<Answer<ScheduleView>> => {
    if (!ID.test(id)) return noSuchSchedule(id);
    const bucket = await stores.schedules();
    let isDeclared = false;
    const record = await bucket.change(scheduleKey(env, id), (current) => {
      isDeclared = current?.type === "DECLARATIVE";
      return current && !isDeclared ? next(current) : undefined;
    });
    if (!record) return noSuchSchedule(id);
    return isDeclared ? declared(record) : answer(view(env, record));
  };
  const setActive = (env: string, id: string, active: boolean): Promise<Answer<ScheduleView>> =>
    change(env, id, (record) => {
      if (record.active === active) return undefined;
      const nowMs = Date.now();
      const activeSince = active ? nowMs : record.activeSince;
      return { ...record, active, activeSince, updatedAt: nowMs };
    });
  return {
    "schedules.create": async (env, { deduplicationKey, ...input }) => {
      const read = await readSettings(platform, env, input);
      if (!read.ok) return read;
      const maker = { deduplicationKey };
      const bucket = await stores.schedules();
      const key = scheduleKey(env, scheduleIdOf(env, maker));
      const record = await bucket.change(key, (current) =>
        scheduleRecord(env, maker, read.settings, current, Date.now()),
      );
      return record ? answer(view(env, record)) : noSuchSchedule(key);
    },
    "schedules.retrieve": async (env, { id }) => {
      const found = ID.test(id)
        ? await (await stores.schedules()).get(scheduleKey(env, id))
        : undefined;
      return found ? answer(view(env, found.value)) : noSuchSchedule(id);
    },
    "schedules.update": async (env, { id, ...input }) => {
      const read = await readSettings(platform, env, input);
      if (!read.ok) return read;
      return await change(env, id, (record) => {
        const maker = { deduplicationKey: record.deduplicationKey ?? "" };
        return scheduleRecord(env, maker, read.settings, record, Date.now());
      });
    },
    "schedules.delete": async (env, { id }) => {
      const bucket = await stores.schedules();
      const key = scheduleKey(env, id);
      const found = ID.test(id) ? await bucket.get(key) : undefined;
      if (!found) return noSuchSchedule(id);
      if (found.value.type === "DECLARATIVE") return declared(found.value);
      await bucket.delete(key);
      return answer({ id });
    },
    "schedules.activate": (env, { id }) => setActive(env, id, true),
    "schedules.deactivate": (env, { id }) => setActive(env, id, false),
    "schedules.list": (env, input) => list(platform, env, input),
    "schedules.timezones": async (_env, { excludeUtc = false }) => {
      const names = Intl.supportedValuesOf("timeZone").filter((name) => name !== "UTC");
      return await Promise.resolve(answer({ timezones: excludeUtc ? names : ["UTC", ...names] }));
    },
  };
}

async function list(
  { stores }: Platform,
  env: string,
  { page = 1, perPage = DEFAULT_PER_PAGE }: CallInput<"schedules.list">,
): Promise<Answer<NumberedPage<ScheduleView>>> {
  const records = new Map<string, ScheduleRecord>();
  const bucket = await stores.schedules();
  await bucket.each(`${env}.>`, (key, record) => records.set(key, record));
  const all = [...records.values()].sort(newestFirst);
  const nowMs = Date.now();
  return answer({
    data: all
      .slice((page - 1) * perPage, page * perPage)
      .map((record) => viewOfSchedule(env, record, nowMs)),
    pagination: {
      currentPage: page,
      totalPages: Math.ceil(all.length / perPage),
      count: all.length,
    },
  });
}

/** What a call says about a schedule, checked against the calendar and the tasks there are. */
async function readSettings(
  { catalog }: Platform,
  env: string,
  input: Omit<CallInput<"schedules.create">, "deduplicationKey">,
): Promise<{ readonly ok: true; readonly settings: ScheduleSettings } | Refusal> {
  const { timezone = "UTC", cron, window } = input;
  const problem =
    checkCron(cron, timezone)?.message ??
    (window === undefined ? undefined : windowProblem(window));
  if (problem !== undefined) return refuse("INVALID_OPTION", problem);
  const task = await catalog.task(env, input.task);
  if (!task)
    return refuse(
      "TASK_NOT_FOUND",
      `Task "${input.task}" is not registered in "${env}": no agent serves it`,
    );
  if (task.triggerSource !== "schedule")
    return refuse(
      "TASK_NOT_SCHEDULABLE",
      `Task "${input.task}" cannot have schedules: define it with schedules.task()`,
    );
  return { ok: true, settings: { ...input, timezone } };
}

function newestFirst(a: ScheduleRecord, b: ScheduleRecord): number {
  return b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1);
}

function noSuchSchedule(id: string): Refusal {
  return refuse("SCHEDULE_NOT_FOUND", `There is no schedule ${JSON.stringify(id)}`);
}

function declared({ id, task }: ScheduleRecord): Refusal {
  return refuse(
    "SCHEDULE_DECLARED",
    `Schedule ${id} is declared by task "${task}": change the code`,
  );
}
