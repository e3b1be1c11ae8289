/** Whether, when and where a failed attempt is tried again. Pure: time and chance are arguments. */
import {
  isRetryable,
  retryDelayMs,
  type EventData,
  type RetrySettings,
  type RunError,
} from "@millrace/proto";

/** A longer pause is spent in the queue, a shorter one on the agent, slot kept. v4's threshold. */
const STAY_BELOW_MS = 30_000;

export type RetryDecision = EventData<"attempt-failed">["retry"];

/** A failed attempt. `isFinal`: it may not be tried again whatever the settings say. */
export type Failure = { readonly error: RunError; readonly isFinal: boolean };

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
