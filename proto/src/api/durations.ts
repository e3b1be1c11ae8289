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

/** Milliseconds; undefined when the text is not a duration. */
export function parseDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(w|d|hr|h|m|s)/g))
    total += Number(count) * (UNIT_MS[unit ?? ""] ?? 0);
  return Number.isSafeInteger(total) ? total : undefined;
}

/** A date in ISO 8601 or a duration from `nowMs`; undefined when it is neither. Epoch milliseconds. */
export function parseMoment(value: string, nowMs: number): number | undefined {
  const duration = parseDuration(value);
  if (duration !== undefined) return nowMs + duration;
  if (!/^\d{4}-\d{2}-\d{2}/.test(value)) return undefined;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : at;
}
