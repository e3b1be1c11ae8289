/** The rule of the calendar, written down a second time: by looking at every minute's local time. */
import fc from "fast-check";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Cron fields as sets, and as they are written. */
export type Fields = {
  readonly text: string;
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  /** Undefined: `*`. */
  readonly days: ReadonlySet<number | "L"> | undefined;
  readonly weekdays: ReadonlySet<number> | undefined;
  readonly lastWeekday: number | undefined;
};

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at);

type Field = { readonly text: string; readonly values: ReadonlySet<number> };

/** A field of numbers: `*`, steps, ranges with and without steps, lists. */
function fieldOf(from: number, to: number, names?: readonly string[]): fc.Arbitrary<Field> {
  const every = (step: number, first = from, last = to): ReadonlySet<number> =>
    new Set(range(first, last).filter((value) => (value - first) % step === 0));
  const name = (value: number): string => names?.[value - from] ?? String(value);
  const number = fc.integer({ min: from, max: to });
  const ordered = fc
    .tuple(number, number)
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  return fc.oneof(
    {
      weight: 4,
      arbitrary: number.map((value) => ({ text: name(value), values: new Set([value]) })),
    },
    { weight: 2, arbitrary: fc.constant({ text: "*", values: every(1) }) },
    fc
      .integer({ min: 2, max: Math.ceil(to / 2) })
      .map((step) => ({ text: `*/${step}`, values: every(step) })),
    // Croner, the judge, reads "sun-sun" as every day.
    ordered
      .filter(([a, b]) => names === undefined || a < b)
      .map(([a, b]) => ({ text: `${name(a)}-${name(b)}`, values: every(1, a, b) })),
    fc
      .tuple(ordered, fc.integer({ min: 2, max: 5 }))
      .map(([[a, b], step]) => ({ text: `${a}-${b}/${step}`, values: every(step, a, b) })),
    fc
      .uniqueArray(number, { minLength: 2, maxLength: 4 })
      .map((values) => ({ text: values.map(name).join(","), values: new Set(values) })),
  );
}

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/** @param months which months it may be limited to; default any */
export function cronFields(months?: readonly number[]): fc.Arbitrary<Fields> {
  const month: fc.Arbitrary<Field> = months
    ? fc.constantFrom(
        { text: "*", values: new Set(range(1, 12)) },
        { text: months.join(","), values: new Set(months) },
      )
    : fieldOf(1, 12, MONTHS);
  const day = fc.oneof(
    { weight: 5, arbitrary: fc.constant({ text: "*", days: undefined }) },
    fieldOf(1, 31)
      .filter(({ text }) => text !== "*")
      .map(({ text, values }) => ({ text, days: new Set<number | "L">(values) })),
    fc.constantFrom(
      { text: "L", days: new Set<number | "L">(["L"]) },
      { text: "15,L", days: new Set<number | "L">([15, "L"]) },
      { text: "29,30,31", days: new Set<number | "L">([29, 30, 31]) },
    ),
  );
  const any = { text: "*", weekdays: undefined, lastWeekday: undefined };
  const weekday = fc.oneof(
    { weight: 5, arbitrary: fc.constant(any) },
    fieldOf(0, 6, WEEKDAYS)
      .filter(({ text }) => text !== "*")
      .map(({ text, values }) => ({ text, weekdays: values, lastWeekday: undefined })),
    fc
      .integer({ min: 0, max: 6 })
      .map((last) => ({ text: `${last}L`, weekdays: new Set<number>(), lastWeekday: last })),
  );
  return fc
    .record({ minute: fieldOf(0, 59), hour: fieldOf(0, 23), day, month, weekday })
    .map(({ minute, hour, day: { days, ...d }, month: m, weekday: w }) => ({
      text: [minute, hour, d, m, w].map(({ text }) => text).join(" "),
      minutes: minute.values,
      hours: hour.values,
      months: m.values,
      days,
      weekdays: w.weekdays,
      lastWeekday: w.lastWeekday,
    }))
    .filter(isPossible);
}

/** Some month has such a day. */
function isPossible({ days, weekdays, months }: Fields): boolean {
  if (!days || weekdays || days.has("L")) return true;
  const longest = Math.max(...[...months].map((month) => new Date(2024, month, 0).getDate()));
  return [...days].some((day) => Number(day) <= longest);
}

/** `local` is a local time, written as if it were UTC. */
function matches(fields: Fields, local: number): boolean {
  const date = new Date(local);
  return (
    fields.minutes.has(date.getUTCMinutes()) &&
    fields.hours.has(date.getUTCHours()) &&
    fields.months.has(date.getUTCMonth() + 1) &&
    matchesDay(fields, local)
  );
}

function matchesDay({ days, weekdays, lastWeekday }: Fields, local: number): boolean {
  const date = new Date(local);
  const monthIn = (count: number): number => new Date(local + count * DAY_MS).getUTCMonth();
  const isLast = (count: number): boolean => monthIn(count) !== date.getUTCMonth();
  const isDay = days?.has(date.getUTCDate()) === true || (days?.has("L") === true && isLast(1));
  const weekday = date.getUTCDay();
  const isWeekday = weekdays?.has(weekday) === true || (lastWeekday === weekday && isLast(7));
  if (!days && !weekdays) return true;
  return isDay || isWeekday;
}

/** Tells the local time of a minute, written as if it were UTC. */
function localClock(timezone: string): (atMs: number) => number {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone: timezone,
    dateStyle: "short",
    timeStyle: "medium",
  });
  return (atMs) => Date.parse(`${format.format(atMs).replace(" ", "T")}Z`);
}

/**
 * Every slot in `[from, to)`: each local time that matches, at its (first) minute; one no minute has, as much later as the
 * clocks are put forward. A day before `from` is looked at, too.
 */
export function slotsByScanning(
  fields: Fields,
  timezone: string,
  from: number,
  to: number,
): number[] {
  const clock = localClock(timezone);
  const minutes = new Map<number, number[]>();
  const start = from - 2 * DAY_MS;
  for (let at = start; at < to + DAY_MS; at += MINUTE_MS) {
    const local = clock(at);
    const known = minutes.get(local);
    if (known) known.push(at);
    else minutes.set(local, [at]);
  }
  const slots = new Set<number>();
  let last = { local: clock(start), at: start };
  const end = clock(to + DAY_MS);
  for (let local = last.local; local < end; local += MINUTE_MS) {
    const at = minutes.get(local);
    if (at) last = { local, at: at.at(-1) ?? 0 };
    if (!matches(fields, local)) continue;
    const standing = at ?? [last.at + (local - last.local)];
    for (const slot of fields.hours.size === 24 ? standing : standing.slice(0, 1)) slots.add(slot);
  }
  return [...slots].filter((slot) => slot >= from && slot < to).sort((a, b) => a - b);
}
