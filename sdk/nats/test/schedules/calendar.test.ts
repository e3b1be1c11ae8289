/** Slots: each once, none lost, none invented; also where clocks change. */
import { Cron as Croner } from "croner";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { slotAfter, slotBefore, upcoming } from "../../src/schedules/calendar.ts";
import { readCron, type Cron } from "../../src/schedules/cron.ts";
import { effectiveAt, windowProblem } from "../../src/schedules/window.ts";
import { zoneOf } from "../../src/schedules/zone.ts";
import { cronFields, slotsByScanning } from "./local-times.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Zones, each with a time near which its clocks change. */
const CHANGES: readonly (readonly [string, string])[] = [
  ["America/New_York", "2024-03-10T07:00Z"],
  ["America/New_York", "2024-11-03T06:00Z"],
  ["Europe/Berlin", "2025-03-30T01:00Z"],
  ["Europe/Berlin", "2025-10-26T01:00Z"],
  ["Australia/Lord_Howe", "2024-10-05T15:30Z"],
  ["Australia/Lord_Howe", "2025-04-05T15:00Z"],
  ["Antarctica/Troll", "2025-03-30T01:00Z"],
  ["Antarctica/Troll", "2025-10-26T01:00Z"],
  ["Pacific/Chatham", "2025-04-05T14:00Z"],
  ["Pacific/Chatham", "2025-09-27T14:00Z"],
  ["Africa/Casablanca", "2025-02-23T02:00Z"],
  ["Africa/Casablanca", "2025-04-06T02:00Z"],
  ["America/Sao_Paulo", "2018-11-04T03:00Z"],
  ["America/St_Johns", "2006-04-02T03:31Z"],
  ["Asia/Beirut", "2024-03-30T22:00Z"],
  ["Africa/Cairo", "2024-04-25T22:00Z"],
  ["America/Havana", "2025-11-02T05:00Z"],
  ["America/Santiago", "2025-09-07T04:00Z"],
  ["Asia/Pyongyang", "2015-08-14T15:00Z"],
  ["Asia/Pyongyang", "2018-05-04T15:00Z"],
  ["Asia/Kathmandu", "1985-12-31T18:30Z"],
  ["America/Caracas", "2016-05-01T07:00Z"],
  ["Pacific/Apia", "2011-12-30T10:00Z"],
  ["Europe/Moscow", "2014-10-25T22:00Z"],
  ["Europe/Istanbul", "2016-09-06T21:00Z"],
  ["Asia/Kolkata", "2025-06-01T00:00Z"],
];

function cron(expression: string, timezone = "UTC"): Cron {
  const read = readCron(expression, timezone);
  if (!read.ok) throw new Error(read.problem.message);
  return read.cron;
}

const slotsIn = (of: Cron, from: number, to: number): number[] => {
  const slots: number[] = [];
  for (let at = from - 1; ;) {
    const slot = slotAfter(of, at);
    if (slot === undefined || slot >= to) return slots;
    slots.push(slot);
    at = slot;
  }
};

const iso = (slots: readonly number[]): string[] =>
  slots.map((slot) => new Date(slot).toISOString().slice(0, 16));

const next = (expression: string, timezone: string, after: string, count: number): string[] =>
  iso(upcoming(cron(expression, timezone), Date.parse(after), count));

describe("slots", () => {
  test.each(CHANGES)(
    "around a change of %s (%s) are what every minute's clock says",
    (timezone, time) => {
      const change = Date.parse(time);
      const [from, to] = [change - 1.5 * DAY_MS, change + 1.5 * DAY_MS];
      const month = new Date(change).getUTCMonth();
      const months = [month === 0 ? 12 : month, month + 1, month === 11 ? 1 : month + 2];
      fc.assert(
        fc.property(cronFields(months), (fields) => {
          const found = slotsIn(cron(fields.text, timezone), from, to);
          expect(iso(found)).toEqual(iso(slotsByScanning(fields, timezone, from, to)));
        }),
        { numRuns: 15 },
      );
    },
    60_000,
  );

  test("a slot before a time is the last of those after an earlier one", () => {
    fc.assert(
      fc.property(
        cronFields(),
        fc.constantFrom(...CHANGES),
        fc.integer({ min: -3 * DAY_MS, max: 3 * DAY_MS }),
        (fields, [timezone, time], apart) => {
          const of = cron(fields.text, timezone);
          const at = Date.parse(time) + apart;
          const slot = slotAfter(of, at);
          if (slot === undefined) return;
          expect(slotBefore(of, slot + 1, 0)).toBe(slot);
          const before = slotBefore(of, slot, at - 60 * DAY_MS);
          if (before !== undefined) {
            expect(before).toBeLessThan(slot);
            expect(slotAfter(of, before)).toBe(slot);
          } else expect(slotAfter(of, at - 60 * DAY_MS - 1)).toBe(slot);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("are another implementation's where clocks do not change", () => {
    const from = Date.parse("2023-06-01T00:00Z");
    const span = 6 * 365 * DAY_MS;
    fc.assert(
      fc.property(
        cronFields().filter(({ lastWeekday }) => lastWeekday === undefined),
        fc.integer({ min: from, max: from + span }),
        fc.constantFrom(
          "UTC",
          "Asia/Kolkata",
          "Asia/Tokyo",
          "America/Phoenix",
          "Pacific/Marquesas",
        ),
        ({ text }, at, timezone) => {
          const theirs = new Croner(text, { timezone })
            .nextRuns(5, new Date(at))
            .map((date) => date.getTime());
          expect(iso(upcoming(cron(text, timezone), at, 5))).toEqual(iso(theirs));
        },
      ),
      { numRuns: 400 },
    );
  });

  test("come on the last day of a month, in a leap year, too", () => {
    expect(next("0 0 L 2 *", "UTC", "2023-01-01T00:00Z", 3)).toEqual([
      "2023-02-28T00:00",
      "2024-02-29T00:00",
      "2025-02-28T00:00",
    ]);
    expect(next("30 23 L * *", "Asia/Tokyo", "2024-01-31T14:29Z", 3)).toEqual([
      "2024-01-31T14:30",
      "2024-02-29T14:30",
      "2024-03-31T14:30",
    ]);
  });

  test("come on the last and on the n-th weekday of a month", () => {
    expect(next("0 9 * * 5L", "UTC", "2024-02-01T00:00Z", 3)).toEqual([
      "2024-02-23T09:00",
      "2024-03-29T09:00",
      "2024-04-26T09:00",
    ]);
    expect(next("0 9 * * MON#2", "UTC", "2024-02-01T00:00Z", 2)).toEqual([
      "2024-02-12T09:00",
      "2024-03-11T09:00",
    ]);
  });

  test("wait for a leap day over a century without one", () => {
    expect(next("0 0 29 2 *", "UTC", "2096-03-01T00:00Z", 1)).toEqual(["2104-02-29T00:00"]);
  });

  test("come on either day when both are restricted", () => {
    expect(next("0 0 13 * FRI", "UTC", "2024-09-01T00:00Z", 3)).toEqual([
      "2024-09-06T00:00",
      "2024-09-13T00:00",
      "2024-09-20T00:00",
    ]);
    expect(next("0 0 30 2 1", "UTC", "2024-02-28T00:00Z", 1)).toEqual(["2025-02-03T00:00"]);
  });

  test("a skipped local time stands shifted, also where half an hour is skipped", () => {
    expect(next("30 2 * * *", "America/New_York", "2024-03-09T12:00Z", 2)).toEqual([
      "2024-03-10T07:30",
      "2024-03-11T06:30",
    ]);
    expect(next("15 2 * * *", "Australia/Lord_Howe", "2024-10-05T00:00Z", 2)).toEqual([
      "2024-10-05T15:45",
      "2024-10-06T15:15",
    ]);
    expect(next("15 * * * *", "Australia/Lord_Howe", "2024-10-05T14:00Z", 3)).toEqual([
      "2024-10-05T14:45",
      "2024-10-05T15:45",
      "2024-10-05T16:15",
    ]);
    expect(next("0 9 30 12 *", "Pacific/Apia", "2011-01-01T00:00Z", 1)).toEqual([
      "2011-12-30T19:00",
    ]);
  });

  test("a skipped local time and the one it is shifted to are one slot", () => {
    expect(next("0 2,3 * * *", "America/New_York", "2024-03-10T00:00Z", 2)).toEqual([
      "2024-03-10T07:00",
      "2024-03-11T06:00",
    ]);
  });

  test("a repeated local time stands once, and every hour's in both hours", () => {
    expect(next("30 1 * * *", "America/New_York", "2024-11-03T00:00Z", 2)).toEqual([
      "2024-11-03T05:30",
      "2024-11-04T06:30",
    ]);
    expect(next("*/30 * * * *", "America/New_York", "2024-11-03T04:59Z", 4)).toEqual([
      "2024-11-03T05:00",
      "2024-11-03T05:30",
      "2024-11-03T06:00",
      "2024-11-03T06:30",
    ]);
  });

  test("are found fast, a year ahead as well as a minute", () => {
    const crons = ["* * * * *", "0 9 * * 1-5", "0 0 1 1 *", "0 0 29 2 *"].map((text) =>
      cron(text, "Europe/Berlin"),
    );
    const startedAt = performance.now();
    for (let i = 0; i < 5000; i++) for (const each of crons) slotAfter(each, 1.7e12 + i * 60_000);
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });
});

describe("a zone", () => {
  test("is one object, whatever it is called", () => {
    expect(zoneOf("europe/berlin")).toBe(zoneOf("Europe/Berlin"));
    expect(zoneOf("+05:30")).toBeUndefined();
    expect(zoneOf("Mars/Olympus")).toBeUndefined();
  });
});

describe("a window", () => {
  const hourly = cron("0 * * * *");
  const slot = Date.parse("2025-01-01T12:00Z");

  test("moves each schedule's slots by its own, constant part of it", () => {
    const at = (id: string): number => effectiveAt(hourly, { id, window: "30m" }, slot) - slot;
    const places = Array.from({ length: 200 }, (_, i) => at(`sched_${i}`));
    expect(new Set(places).size).toBeGreaterThan(190);
    expect(Math.min(...places)).toBeLessThan(HOUR_MS / 20);
    expect(Math.max(...places)).toBeLessThan(HOUR_MS / 2);
    expect(Math.max(...places)).toBeGreaterThan(HOUR_MS / 2.2);
    expect(effectiveAt(hourly, { id: "sched_1", window: "30m" }, slot + HOUR_MS)).toBe(
      slot + HOUR_MS + at("sched_1"),
    );
    expect(effectiveAt(hourly, { id: "sched_1" }, slot)).toBe(slot);
  });

  test("never reaches the next slot", () => {
    fc.assert(
      fc.property(
        cronFields(),
        fc.string(),
        fc.oneof(
          fc.integer({ min: 1, max: 100 }).map((percent) => `${percent}%`),
          fc.integer({ min: 1, max: 1440 }).map((minutes) => `${minutes}m`),
        ),
        (fields, id, window) => {
          expect(windowProblem(window)).toBeUndefined();
          const of = cron(fields.text, "Europe/Berlin");
          const [first, second] = upcoming(of, slot, 2);
          if (first === undefined || second === undefined) return;
          const due = effectiveAt(of, { id, window }, first);
          expect(due).toBeGreaterThanOrEqual(first);
          expect(due).toBeLessThan(second);
        },
      ),
      { numRuns: 200 },
    );
  });

  test.each(["", "25h", "0m", "0%", "101%", "half", "5", "-5m"])("of %j is refused", (window) => {
    expect(windowProblem(window)).toContain("window must be");
  });
});
