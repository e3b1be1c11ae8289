/** Whether, when and where a failed attempt is tried again: v4's formula. Pure: time and chance are arguments. */
import { isRetryable, type EventData, type RetrySettings, type RunError } from "@millrace/proto";

/** v4's defaults for what a task's `retry` leaves open. */
const DEFAULTS = {
  maxAttempts: 3,
  factor: 2,
  minTimeoutInMs: 1000,
  maxTimeoutInMs: 60_000,
  randomize: true,
} as const;

/** A longer pause is spent in the queue, a shorter one on the agent, slot kept. v4's threshold. */
const STAY_BELOW_MS = 30_000;

export type RetryDecision = EventData<"attempt-failed">["retry"];

/** A failed attempt. `isFinal`: it may not be tried again whatever the settings say. */
export type Failure = { readonly error: RunError; readonly isFinal: boolean };

/** The trigger's word first, then the task's; null when neither has one: a user's error is final. */
export function maxAttemptsOf(
  trigger: { readonly maxAttempts?: number | undefined },
  retry: RetrySettings | undefined,
): number | null {
  if (trigger.maxAttempts !== undefined) return trigger.maxAttempts;
  return retry ? (retry.maxAttempts ?? DEFAULTS.maxAttempts) : null;
}

/**
 * The pause after the `attempt`-th attempt.
 * @param chance uniform in [0, 1)
 */
export function retryDelayMs(
  retry: RetrySettings | undefined,
  attempt: number,
  chance: number,
): number {
  const factor = retry?.factor ?? DEFAULTS.factor;
  const minMs = retry?.minTimeoutInMs ?? DEFAULTS.minTimeoutInMs;
  const maxMs = retry?.maxTimeoutInMs ?? DEFAULTS.maxTimeoutInMs;
  const spread = (retry?.randomize ?? DEFAULTS.randomize) ? 1 + chance : 1;
  return Math.round(Math.min(maxMs, spread * minMs * factor ** (attempt - 1)));
}

/** @param mayStay whether this agent will still be there after the pause */
export function decideRetry(
  run: { readonly attempt: number; readonly maxAttempts: number | null },
  retry: RetrySettings | undefined,
  failure: Failure,
  now: { readonly atMs: number; readonly chance: number; readonly mayStay: boolean },
): RetryDecision {
  if (failure.isFinal || !isRetryable(failure.error)) return null;
  if (run.maxAttempts === null || run.attempt >= run.maxAttempts) return null;
  const delayMs = retryDelayMs(retry, run.attempt, now.chance);
  const where = now.mayStay && delayMs < STAY_BELOW_MS ? "agent" : "queue";
  return { at: now.atMs + delayMs, where };
}
