/** How errors end runs: Trigger.dev v4's mapping from error to final status, as data. */
import type { RunError } from "../events/values.ts";
import type { Outcome } from "./state.ts";

/** Internal error codes that do not end in `system-failure`. */
const OUTCOME_BY_CODE: Readonly<Record<string, Outcome>> = {
  RECURSIVE_WAIT_DEADLOCK: "failed",
  TASK_INPUT_ERROR: "failed",
  TASK_OUTPUT_ERROR: "failed",
  TASK_MIDDLEWARE_ERROR: "failed",
  TASK_RUN_UNCAUGHT_EXCEPTION: "failed",
  TASK_RUN_STALLED_EXECUTING: "failed",
  TASK_RUN_STALLED_EXECUTING_WITH_WAITPOINTS: "failed",
  MAX_DURATION_EXCEEDED: "timed-out",
  TASK_PROCESS_OOM_KILLED: "crashed",
  TASK_PROCESS_MAYBE_OOM_KILLED: "crashed",
  TASK_PROCESS_SIGSEGV: "crashed",
  TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE: "crashed",
  TASK_RUN_CRASHED: "crashed",
  DISK_SPACE_EXCEEDED: "crashed",
  OUTDATED_SDK_VERSION: "crashed",
  HANDLE_ERROR_ERROR: "crashed",
  TASK_RUN_CANCELLED: "canceled",
};

/** Internal error codes that may be tried again; user errors always may. */
const RETRYABLE_CODES: ReadonlySet<string> = new Set([
  "TASK_RUN_STALLED_EXECUTING",
  "TASK_RUN_STALLED_EXECUTING_WITH_WAITPOINTS",
  "GRACEFUL_EXIT_TIMEOUT",
  "HANDLE_ERROR_ERROR",
  "TASK_INPUT_ERROR",
  "TASK_OUTPUT_ERROR",
  "TASK_MIDDLEWARE_ERROR",
  "POD_EVICTED",
  "POD_UNKNOWN_ERROR",
  "TASK_EXECUTION_ABORTED",
  "TASK_EXECUTION_FAILED",
  "TASK_RUN_CRASHED",
  "TASK_RUN_UNCAUGHT_EXCEPTION",
  "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE",
  "TASK_PROCESS_SIGTERM",
  "TASK_PROCESS_SIGSEGV",
]);

/** A final failure's outcome. */
export function outcomeOf(error: RunError): Outcome {
  if (error.type !== "INTERNAL_ERROR") return "failed";
  return OUTCOME_BY_CODE[error.code] ?? "system-failure";
}

export function isRetryable(error: RunError): boolean {
  return error.type !== "INTERNAL_ERROR" || RETRYABLE_CODES.has(error.code);
}

/** Attempts that may be lost with their agents when nobody said how often to try. */
const UNCONFIGURED_LOSSES = 3;

/**
 * The crash policy: whether a run whose agent was lost in the middle of an attempt is tried again.
 * A configured number of attempts counts lost ones too, as v4's stalls do. Without one, losing a machine is not the
 * code's failure: the run is tried again, three times.
 */
export function retriesAfterLoss(run: {
  readonly attempt: number;
  readonly losses: number;
  readonly maxAttempts: number | null;
}): boolean {
  return run.maxAttempts === null
    ? run.losses < UNCONFIGURED_LOSSES
    : run.attempt < run.maxAttempts;
}
