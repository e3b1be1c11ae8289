/** Reading a cron expression: five fields, each checked by itself, so that what is wrong can be told with its place. */
import { CronExpressionParser, type CronFieldCollection } from "cron-parser";
import { zoneOf, type Zone } from "./zone.ts";

/** When something is due: local times of a zone. */
export type Cron = {
  readonly zone: Zone;
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly matchesMonth: (month: number) => boolean;
  /** `date` is the day's beginning, as if its local time were UTC. */
  readonly matchesDay: (date: Date) => boolean;
};

/** `position`: which of the fields, from 1; absent when it is about all of them, or the time zone. */
export type CronProblem = {
  readonly field: (typeof FIELDS)[number] | "expression" | "timezone";
  readonly position?: number;
  readonly message: string;
};

const FIELDS = ["minute", "hour", "day of month", "month", "day of week"] as const;
const DAYS_OF_MONTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;
const MAX_LENGTH = 256;
/** What each field may be written with; `L` and `#` are looked at in their fields. */
const CHARACTERS = /^[\dA-Za-z*?,/#-]+$/;
const NAME = /[a-z]{3}/gi;

/** What is wrong with a cron expression or its time zone; undefined when it can be used. */
export function checkCron(expression: string, timezone: string): CronProblem | undefined {
  const read = readCron(expression, timezone);
  return read.ok ? undefined : read.problem;
}

/**
 * Five fields: minute, hour, day of month, month, day of week. `*`, lists, ranges and steps everywhere, names of months and
 * days, `L` for the last day of the month and, as in `5L`, for the last Friday, `5#2` for the second one. When both days
 * are restricted, either will do.
 */
export function readCron(
  expression: string,
  timezone: string,
):
  | { readonly ok: true; readonly cron: Cron }
  | { readonly ok: false; readonly problem: CronProblem } {
  const problem =
    shapeProblem(expression) ?? fieldsProblem(expression) ?? calendarProblem(expression);
  if (problem) return { ok: false, problem };
  const zone = zoneOf(timezone);
  if (!zone) {
    const message = `"${timezone}" is not an IANA time zone such as "Europe/Berlin"`;
    return { ok: false, problem: { field: "timezone", message } };
  }
  return { ok: true, cron: cronOf(parse(expression), zone) };
}

function shapeProblem(expression: string): CronProblem | undefined {
  const wrong = (message: string): CronProblem => ({ field: "expression", message });
  if (expression.length > MAX_LENGTH)
    return wrong(`A cron expression has at most ${MAX_LENGTH} characters`);
  const text = expression.trim();
  if (text.startsWith("@"))
    return wrong(`"${text}" is a nickname; write the five fields: minute hour day month weekday`);
  const { length } = partsOf(text);
  if (length === FIELDS.length) return undefined;
  const seconds = length === 6 ? "; seconds are not supported" : "";
  return wrong(
    `A cron expression has 5 fields (minute hour day month weekday), not ${text === "" ? 0 : length}${seconds}`,
  );
}

/** Each field with all others free: the first one that cannot be read. */
function fieldsProblem(expression: string): CronProblem | undefined {
  for (const [index, text] of partsOf(expression).entries()) {
    const why = fieldProblem(index, text);
    const field = FIELDS[index] ?? "minute";
    if (why !== undefined)
      return {
        field,
        position: index + 1,
        message: `Field ${index + 1} (${field}), "${text}": ${why}`,
      };
  }
  return undefined;
}

function fieldProblem(index: number, text: string): string | undefined {
  if (!CHARACTERS.test(text)) return "it has characters no field is written with";
  if (/h/i.test(text.replaceAll(NAME, ""))) return "H (any value) is not supported; see window";
  const others = FIELDS.map((_, at) => (at === index ? text : "*"));
  try {
    parse(others.join(" "));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A day that none of the months has; with a day of week beside it, that one will do. */
function calendarProblem(expression: string): CronProblem | undefined {
  const [, , day = "*", month = "*", weekday = "*"] = partsOf(expression);
  if (/^[*?]$/.test(day) || !/^[*?]$/.test(weekday)) return undefined;
  const days = parse(`* * ${day} * *`).dayOfMonth.values;
  const months = parse(`* * * ${month} *`).month.values;
  const longest = Math.max(...months.map((each) => DAYS_OF_MONTHS[each - 1] ?? 31));
  if (days.some((each) => each === "L" || each <= longest)) return undefined;
  return {
    field: "day of month",
    position: 3,
    message: `Field 3 (day of month), "${day}": no month of "${month}" has such a day`,
  };
}

function cronOf(fields: CronFieldCollection, zone: Zone): Cron {
  const months = new Set<number>(fields.month.values);
  const monthDays = new Set<number | string>(fields.dayOfMonth.values);
  const weekdays = new Set<number | string>(fields.dayOfWeek.values);
  const lastWeekdays = new Set(
    [...weekdays]
      .filter((each) => typeof each === "string")
      .map((each) => Number.parseInt(each) % 7),
  );
  const { nthDay } = fields.dayOfWeek;
  const matchesMonthDay = (date: Date): boolean =>
    monthDays.has(date.getUTCDate()) || (monthDays.has("L") && daysLeft(date) === 0);
  const matchesWeekday = (date: Date): boolean => {
    const weekday = date.getUTCDay();
    if (lastWeekdays.has(weekday) && daysLeft(date) < 7) return true;
    return weekdays.has(weekday) && (nthDay <= 0 || Math.ceil(date.getUTCDate() / 7) === nthDay);
  };
  const [isAnyDay, isAnyWeekday] = [fields.dayOfMonth.isWildcard, fields.dayOfWeek.isWildcard];
  return {
    zone,
    minutes: fields.minute.values,
    hours: fields.hour.values,
    matchesMonth: (month) => months.has(month),
    matchesDay: (date) => {
      if (isAnyWeekday) return isAnyDay || matchesMonthDay(date);
      return matchesWeekday(date) || (!isAnyDay && matchesMonthDay(date));
    },
  };
}

function daysLeft(date: Date): number {
  const inMonth = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  return inMonth - date.getUTCDate();
}

function partsOf(expression: string): string[] {
  return expression.trim().split(/\s+/);
}

/** @throws Error */
function parse(expression: string): CronFieldCollection {
  return CronExpressionParser.parse(expression).fields;
}
