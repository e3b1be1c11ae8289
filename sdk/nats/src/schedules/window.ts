/** Spreading a schedule's slots: each schedule has its own place in a window after the slot, the same one every time. */
import { createHash } from "node:crypto";
import { parseDuration } from "@millrace/proto";
import { slotAfter } from "./calendar.ts";
import type { Cron } from "./cron.ts";

const MAX_WINDOW_MS = 24 * 3_600_000;
const PERCENT = /^([1-9]\d?|100)%$/;

/** What is wrong with a window; undefined when it can be used. */
export function windowProblem(window: string): string | undefined {
  if (PERCENT.test(window)) return undefined;
  const ms = parseDuration(window);
  return ms !== undefined && ms > 0 && ms <= MAX_WINDOW_MS
    ? undefined
    : `window must be a duration of at most "24h", such as "30m", or "1%" to "100%" of the time to the next slot, not ${JSON.stringify(window)}`;
}

/** When a slot is due: the slot, or as much later as the schedule's id says; always before the next slot. */
export function effectiveAt(
  cron: Cron,
  { id, window }: { readonly id: string; readonly window?: string | undefined },
  slotAt: number,
): number {
  if (window === undefined) return slotAt;
  const nextMs = (slotAfter(cron, slotAt) ?? Number.POSITIVE_INFINITY) - slotAt;
  const percent = PERCENT.exec(window)?.[1];
  const windowMs =
    percent === undefined ? (parseDuration(window) ?? 0) : (nextMs * Number(percent)) / 100;
  const lengthMs = Math.min(windowMs, nextMs);
  return Number.isFinite(lengthMs) ? slotAt + Math.floor(lengthMs * placeOf(id)) : slotAt;
}

/** From 0 to less than 1. */
function placeOf(id: string): number {
  return createHash("sha256").update(id).digest().readUInt32BE(0) / 2 ** 32;
}
