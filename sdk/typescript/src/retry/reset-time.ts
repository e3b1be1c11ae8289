/** When a server says to ask again, in the forms servers say it. */

export type ResetFormat =
  | "unix_timestamp"
  | "unix_timestamp_in_ms"
  | "iso_8601"
  /** `1m30s`, `6m0s`, `20ms`. */
  | "iso_8601_duration_openai_variant"
  /** As `retry-after` has it. */
  | "seconds";

const UNIT_MS: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
};

/** Milliseconds from now, never negative; undefined when the header is not there or not to be understood. */
export function resetDelayMs(
  header: string | null,
  format: ResetFormat,
  nowMs: number,
): number | undefined {
  if (header === null || header.trim() === "") return undefined;
  const ms = delayOf(header.trim(), format, nowMs);
  return ms === undefined || Number.isNaN(ms) ? undefined : Math.max(0, Math.round(ms));
}

function delayOf(text: string, format: ResetFormat, nowMs: number): number | undefined {
  switch (format) {
    case "unix_timestamp":
      return Number(text) * 1000 - nowMs;
    case "unix_timestamp_in_ms":
      return Number(text) - nowMs;
    case "iso_8601":
      return Date.parse(text) - nowMs;
    case "seconds":
      return Number(text) * 1000;
    case "iso_8601_duration_openai_variant":
      return durationOf(text);
  }
}

function durationOf(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[dhms]))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g))
    total += Number(count) * (UNIT_MS[unit ?? ""] ?? 0);
  return total;
}
