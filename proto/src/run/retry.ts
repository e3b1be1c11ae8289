/** When a failed attempt is tried again: v4's formula. Pure: chance is an argument. */
import { MAX_DURATION_MS } from "../api/durations.ts";
import type { RetrySettings } from "../registry/tasks.ts";

/** v4's defaults for what a task's `retry` leaves open. */
export const RETRY_DEFAULTS = {
  maxAttempts: 3,
  factor: 2,
  minTimeoutInMs: 1000,
  maxTimeoutInMs: 60_000,
  randomize: true,
} as const;

/** The trigger's word first, then the task's; null when neither has one: a user's error is final. */
export function maxAttemptsOf(
  trigger: { readonly maxAttempts?: number | undefined },
  retry: RetrySettings | undefined,
): number | null {
  if (trigger.maxAttempts !== undefined) return trigger.maxAttempts;
  return retry ? (retry.maxAttempts ?? RETRY_DEFAULTS.maxAttempts) : null;
}

/**
 * Milliseconds between the `attempt`-th attempt, which failed, and the next: whole, and never more than a hundred years,
 * whatever the settings.
 * @param chance uniform in [0, 1)
 */
export function retryDelayMs(
  retry: RetrySettings | undefined,
  attempt: number,
  chance: number,
): number {
  const factor = retry?.factor ?? RETRY_DEFAULTS.factor;
  const minMs = retry?.minTimeoutInMs ?? RETRY_DEFAULTS.minTimeoutInMs;
  const maxMs = retry?.maxTimeoutInMs ?? RETRY_DEFAULTS.maxTimeoutInMs;
  const spread = (retry?.randomize ?? RETRY_DEFAULTS.randomize) ? 1 + chance : 1;
  // Nothing grows to nothing, however great the factor has become.
  const wishMs = minMs === 0 ? 0 : minMs * factor ** (attempt - 1) * spread;
  return Math.round(Math.min(maxMs, MAX_DURATION_MS, wishMs));
}
