/** v4's duration strings: `1h30m`, `10s`, `2d`, `1w`. */

const UNIT_MS: Readonly<Record<string, number>> = {
  w: 7 * 86_400_000,
  d: 86_400_000,
  hr: 3_600_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
};

const DURATION = /^(?:\d+(?:w|d|hr|h|m|s))+$/;

/** A hundred years. Timers are armed as dates with a year of four digits: what lies further ahead cannot be. */
export const MAX_DURATION_MS = 100 * 365 * 86_400_000;

/** Milliseconds; undefined when the text is not a duration, or one of over a hundred years. */
export function parseDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(w|d|hr|h|m|s)/g))
    total += Number(count) * (UNIT_MS[unit ?? ""] ?? 0);
  return total <= MAX_DURATION_MS ? total : undefined;
}

/**
 * A date, a text in ISO 8601 or a duration from `nowMs` as epoch milliseconds; undefined when it is none of them, or
 * lies over a hundred years ahead.
 */
export function parseMoment(value: string | Date, nowMs: number): number | undefined {
  if (typeof value === "string") {
    const duration = parseDuration(value);
    if (duration !== undefined) return nowMs + duration;
    if (!/^\d{4}-\d{2}-\d{2}/.test(value)) return undefined;
  }
  const at = typeof value === "string" ? Date.parse(value) : value.getTime();
  return at - nowMs <= MAX_DURATION_MS ? at : undefined;
}
