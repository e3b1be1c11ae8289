/** The one list of error codes Millrace answers with, what each means and the HTTP status it travels under. */

export const ERRORS = {
  // Requests that are refused; what is refused changes nothing.
  BAD_REQUEST: { status: 400, summary: "The request is not of the expected form" },
  INVALID_JSON: { status: 400, summary: "The body is not JSON" },
  INVALID_OPTION: { status: 422, summary: "A trigger option has an unusable value" },
  UNSUPPORTED_OPTION: { status: 422, summary: "A trigger option this version does not have yet" },
  UNAUTHENTICATED: { status: 401, summary: "The API key is missing or wrong" },
  FORBIDDEN: { status: 403, summary: "The credential does not allow this" },
  TOKEN_ALREADY_USED: { status: 422, summary: "The one-time token was used before" },
  RATE_LIMITED: { status: 429, summary: "The credential sent too many requests" },
  ENVVAR_NOT_FOUND: { status: 404, summary: "There is no environment variable of this name" },
  ENVVAR_EXISTS: { status: 422, summary: "There is an environment variable of this name already" },
  DEPLOYMENT_NOT_FOUND: { status: 404, summary: "No agent serves a version of its tasks" },
  TASK_NOT_FOUND: { status: 404, summary: "No agent has registered this task" },
  QUEUE_NOT_FOUND: { status: 422, summary: "No task has declared this queue" },
  TOKEN_NOT_FOUND: { status: 404, summary: "There is no waitpoint token with this id" },
  BATCH_NOT_FOUND: { status: 404, summary: "There is no batch with this id" },
  IDEMPOTENCY_KEY_NOT_FOUND: { status: 404, summary: "No run was triggered with this key" },
  OBJECT_NOT_FOUND: { status: 404, summary: "There is no stored payload or output at this path" },
  RUN_NOT_DELAYED: { status: 422, summary: "The run has left its delay" },
  RUN_FINISHED: { status: 422, summary: "The run has ended" },
  METADATA_TOO_LARGE: { status: 413, summary: "The run's metadata would be over 256 KB" },
  TOO_MANY_TAGS: { status: 422, summary: "A run has at most 10 tags" },
  NEEDS_GATEWAY: { status: 501, summary: "Only the gateway can answer this" },
  SCHEDULE_NOT_FOUND: { status: 404, summary: "There is no schedule with this id" },
  TASK_NOT_SCHEDULABLE: { status: 422, summary: "The task was not defined with schedules.task" },
  SCHEDULE_DECLARED: { status: 422, summary: "The schedule belongs to its task's code" },
  LIST_NOT_READY: { status: 503, summary: "The list of runs is still being built" },
  BULK_ACTION_NOT_FOUND: { status: 404, summary: "There is no bulk action with this id" },
  RUN_NOT_FOUND: { status: 404, summary: "There is no run with this id" },
  ROUTE_NOT_FOUND: { status: 404, summary: "There is no such endpoint" },
  PAYLOAD_TOO_LARGE: { status: 413, summary: "The body is over 3 MB" },
  // The broker did not answer in time. Trying again is safe where the request carries its own identity.
  BROKER_UNAVAILABLE: { status: 503, summary: "The broker cannot be reached" },
  INTERNAL: { status: 500, summary: "Something went wrong here, not in the request" },
} as const satisfies Record<string, { readonly status: number; readonly summary: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** A refusal as a value: `message` says what is wrong and what to do. */
export type Refusal = { readonly ok: false; readonly code: ErrorCode; readonly message: string };

export function refuse(code: ErrorCode, message: string): Refusal {
  return { ok: false, code, message };
}

export function noSuchRun(runId: string): Refusal {
  return refuse("RUN_NOT_FOUND", `There is no run ${runId}`);
}

/** The HTTP status of a code. */
export function httpStatus(code: ErrorCode): number {
  return ERRORS[code].status;
}
