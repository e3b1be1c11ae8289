/**
 * Whether, when and where a failed attempt is tried again. Pure: time and chance are arguments.
 *
 * What the code throws has been decided about in its process, with its hooks: here that decision is checked, and where
 * the pause is spent. What the process could not decide about, because it was gone or its middleware failed, is decided
 * by the task's settings, and always waits in the queue: v4's rules.
 */
import {
  isRetryable,
  retryDelayMs,
  type EventData,
  type Preset,
  type RetrySettings,
  type RunError,
} from "@millrace/proto";

/** A longer pause is spent in the queue, a shorter one on the agent, slot kept. v4's threshold. */
const STAY_BELOW_MS = 30_000;
/** v4's ceiling, whatever the settings say. */
const MAX_ATTEMPTS = 250;

export type RetryDecision = EventData<"attempt-failed">["retry"];

/** `decided`: what the process has decided; absent when it could not. */
export type Failure = {
  readonly error: RunError;
  readonly decided?: { readonly delayMs: number } | null;
};

export type FailedAttempt = {
  readonly attempt: number;
  readonly maxAttempts: number | null;
  readonly machine: Preset;
  readonly retry: RetrySettings | undefined;
};

/** `mayStay`: whether this agent will still be there after the pause. */
export type Now = { readonly atMs: number; readonly chance: number; readonly mayStay: boolean };

export function decideRetry(run: FailedAttempt, failure: Failure, now: Now): RetryDecision {
  if (isOutOfMemory(failure.error)) return retryOutOfMemory(run, now);
  const { attempt, maxAttempts } = run;
  if (!isRetryable(failure.error) || maxAttempts === null) return null;
  if (attempt >= Math.min(maxAttempts, MAX_ATTEMPTS)) return null;
  const { decided } = failure;
  if (decided === null) return null;
  if (decided === undefined || isMiddlewares(failure.error)) {
    const delayMs = retryDelayMs(run.retry, attempt, now.chance);
    return { at: now.atMs + delayMs, where: "queue" };
  }
  return after(Math.round(decided.delayMs), now);
}

/** A new attempt at once, whatever the settings: that the last one ended was not the code's failure. */
export function decideAgain({ attempt }: FailedAttempt, now: Now): RetryDecision {
  return attempt >= MAX_ATTEMPTS ? null : after(0, now);
}

const OUT_OF_MEMORY_CODES: ReadonlySet<string> = new Set([
  "TASK_PROCESS_OOM_KILLED",
  "TASK_PROCESS_MAYBE_OOM_KILLED",
]);

/** What is stated: code that says itself that it ran out of memory is taken at its word. */
export function statedError(error: RunError): RunError {
  if (error.type !== "BUILT_IN_ERROR" || error.name !== "OutOfMemoryError") return error;
  const { message, stackTrace } = error;
  return { type: "INTERNAL_ERROR", code: "TASK_PROCESS_OOM_KILLED", message, stackTrace };
}

function isOutOfMemory(error: RunError): boolean {
  return error.type === "INTERNAL_ERROR" && OUT_OF_MEMORY_CODES.has(error.code);
}

/** Once, on the machine the task names for it: there, the next such failure is final. */
function retryOutOfMemory(run: FailedAttempt, now: Now): RetryDecision {
  const machine = run.retry?.outOfMemory?.machine;
  if (machine === undefined || machine === run.machine || run.attempt >= MAX_ATTEMPTS) return null;
  const delayMs = retryDelayMs(run.retry, run.attempt, now.chance);
  return { at: now.atMs + delayMs, where: "queue", machine };
}

function isMiddlewares(error: RunError): boolean {
  return error.type === "INTERNAL_ERROR" && error.code === "TASK_MIDDLEWARE_ERROR";
}

function after(delayMs: number, now: Now): RetryDecision {
  const where = now.mayStay && delayMs < STAY_BELOW_MS ? "agent" : "queue";
  return { at: now.atMs + delayMs, where };
}
