/**
 * The slots of a cron expression in its time zone. Pure: the same slots for the same expression, zone and zone data.
 *
 * Every local time that matches stands, once:
 * 1. A local time the clocks skip stands as much later as they are put forward: 02:15 at 03:15 when an hour is skipped, at
 *    02:45 when half an hour is. Where another slot stands already, the two are one.
 * 2. A local time that comes twice stands the first time. Where every hour matches (`*` as the hour), it stands both times:
 *    what is due every half hour goes on being so.
 */
import type { Cron } from "./cron.ts";
import type { Period } from "./zone.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** How far apart a slot and its local time, read as UTC, can be: offsets of up to 15 hours and gaps of up to 24. */
const APART_MS = 2 * DAY_MS;
/** Longer than from one leap day to the next, over a century without one. */
const HORIZON_YEARS = 9;
const HOURS = 24;

/** The first slot after a time (epoch milliseconds); undefined when none comes. */
export function slotAfter(cron: Cron, atMs: number): number | undefined {
  const limit = atMs + HORIZON_YEARS * 366 * DAY_MS;
  for (let from = atMs + 1; from < limit;) {
    // No slot is before this one, read as UTC, by more than they can be apart.
    const local = nextLocal(cron, from - APART_MS, limit + APART_MS);
    if (local === undefined) return undefined;
    const start = Math.max(from, local - APART_MS);
    const end = start + 2 * APART_MS;
    const slot = firstSlot(cron, start, end);
    if (slot !== undefined) return slot;
    from = end;
  }
  return undefined;
}

/** The last slot before a time, and not before `sinceMs`; undefined when there is none. */
export function slotBefore(cron: Cron, atMs: number, sinceMs: number): number | undefined {
  for (let span = MINUTE_MS; ; span *= 2) {
    const low = Math.max(sinceMs, atMs - span);
    const slot = slotAfter(cron, low - 1);
    if (slot !== undefined && slot < atMs) return lastSlot(cron, slot, atMs);
    if (low <= sinceMs) return undefined;
  }
}

/** The next `count` slots after a time. */
export function upcoming(cron: Cron, atMs: number, count: number): number[] {
  const slots: number[] = [];
  for (let at = atMs; slots.length < count;) {
    const slot = slotAfter(cron, at);
    if (slot === undefined) break;
    slots.push(slot);
    at = slot;
  }
  return slots;
}

/** The last slot before `endMs`, knowing one that is. */
function lastSlot(cron: Cron, known: number, endMs: number): number {
  let slot = known;
  let end = endMs;
  for (;;) {
    const next = slotAfter(cron, slot);
    if (next === undefined || next >= end) return slot;
    const middle = Math.floor((next + end) / 2);
    const later = slotAfter(cron, middle - 1);
    if (later !== undefined && later < end) slot = later;
    else {
      slot = next;
      end = middle;
    }
  }
}

/** The first slot in `[start, end)`. */
function firstSlot(cron: Cron, start: number, end: number): number | undefined {
  const periods = cron.zone.periods(start - DAY_MS, end);
  for (const [index, period] of periods.entries()) {
    const until = Math.min(end, periods[index + 1]?.fromMs ?? end);
    if (until <= start) continue;
    const slot = firstInPeriod(cron, period, periods[index - 1], start, until);
    if (slot !== undefined) return slot;
  }
  return undefined;
}

function firstInPeriod(
  cron: Cron,
  { fromMs, offsetMs }: Period,
  before: Period | undefined,
  start: number,
  end: number,
): number | undefined {
  const from = Math.max(start, fromMs);
  const forwardMs = before ? offsetMs - before.offsetMs : 0;
  // Local times that come a second time begin with the period.
  const repeatedUntil = forwardMs < 0 && cron.hours.length < HOURS ? fromMs - forwardMs : fromMs;
  const slot = localIn(cron, offsetMs, Math.max(from, repeatedUntil), end);
  if (!before || forwardMs <= 0) return slot;
  // Local times that were skipped, by the clocks as they were.
  const skipped = localIn(cron, before.offsetMs, from, Math.min(end, fromMs + forwardMs));
  if (skipped === undefined) return slot;
  return slot === undefined ? skipped : Math.min(slot, skipped);
}

function localIn(cron: Cron, offsetMs: number, start: number, end: number): number | undefined {
  if (start >= end) return undefined;
  const local = nextLocal(cron, start + offsetMs, end + offsetMs);
  return local === undefined ? undefined : local - offsetMs;
}

/** The first local time in `[from, end)` that matches; local times are written as if they were UTC. */
function nextLocal(cron: Cron, from: number, end: number): number | undefined {
  let day = Math.floor(from / DAY_MS) * DAY_MS;
  while (day < end) {
    const date = new Date(day);
    const month = date.getUTCMonth();
    if (!cron.matchesMonth(month + 1)) {
      day = Date.UTC(date.getUTCFullYear(), month + 1, 1);
      continue;
    }
    const time = cron.matchesDay(date) ? nextTime(cron, from - day) : undefined;
    if (time !== undefined) return day + time < end ? day + time : undefined;
    day += DAY_MS;
  }
  return undefined;
}

/** The first matching time of a day, `fromMs` or later. */
function nextTime({ hours, minutes }: Cron, fromMs: number): number | undefined {
  const fromMinute = Math.max(0, Math.ceil(fromMs / MINUTE_MS));
  const fromHour = Math.floor(fromMinute / 60);
  for (const hour of hours) {
    if (hour < fromHour) continue;
    const least = hour === fromHour ? fromMinute % 60 : 0;
    const minute = minutes.find((each) => each >= least);
    if (minute !== undefined) return (hour * 60 + minute) * MINUTE_MS;
  }
  return undefined;
}
