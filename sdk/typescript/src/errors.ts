/** What users catch: how the platform refuses a call or fails to answer it, and how runs tell about their end. */
import { httpStatus, type Refusal } from "@millrace/proto";

export type ApiErrorOptions = ErrorOptions & {
  readonly headers?: Readonly<Record<string, string>> | undefined;
};

/** The platform refused a call, or did not answer it. The same refusal is the same class over HTTP and over NATS. */
export class ApiError extends Error {
  override readonly name: string = "ApiError";
  /** The HTTP status; undefined when no answer came. */
  readonly status: number | undefined;
  /** One of the platform's error codes. */
  readonly code: string | undefined;
  /** The answer's, with names in lower case; undefined when it was not an HTTP answer. */
  readonly headers: Readonly<Record<string, string>> | undefined;

  constructor(
    status: number | undefined,
    message: string,
    code?: string,
    options: ApiErrorOptions = {},
  ) {
    super(message, options);
    this.status = status;
    this.code = code;
    this.headers = options.headers;
  }
}

const API_ERROR_NAMES: ReadonlySet<string> = new Set([
  "ApiError",
  "ApiConnectionError",
  "BadRequestError",
  "AuthenticationError",
  "PermissionDeniedError",
  "NotFoundError",
  "ConflictError",
  "UnprocessableEntityError",
  "RateLimitError",
  "InternalServerError",
  "BatchTriggerError",
]);

/** By name: users' bundles may have their own copy of the classes. */
export function isApiError(error: unknown): error is ApiError {
  return error instanceof Error && API_ERROR_NAMES.has(error.name) && "status" in error;
}

/** No answer came: it is not known whether the call had an effect. */
export class ApiConnectionError extends ApiError {
  override readonly name = "ApiConnectionError";
}
export class BadRequestError extends ApiError {
  override readonly name = "BadRequestError";
}
export class AuthenticationError extends ApiError {
  override readonly name = "AuthenticationError";
}
export class PermissionDeniedError extends ApiError {
  override readonly name = "PermissionDeniedError";
}
export class NotFoundError extends ApiError {
  override readonly name = "NotFoundError";
}
export class ConflictError extends ApiError {
  override readonly name = "ConflictError";
}
export class UnprocessableEntityError extends ApiError {
  override readonly name = "UnprocessableEntityError";
}
export class RateLimitError extends ApiError {
  override readonly name = "RateLimitError";

  /** Until requests are taken again; undefined when the platform did not say. */
  get millisecondsUntilReset(): number | undefined {
    const resetAt = Number(this.headers?.["x-ratelimit-reset"] ?? Number.NaN);
    return Number.isNaN(resetAt) ? undefined : Math.max(0, resetAt - Date.now());
  }
}
export class InternalServerError extends ApiError {
  override readonly name = "InternalServerError";
}

const CLASS_OF_STATUS: Readonly<Record<number, typeof ApiError>> = {
  400: BadRequestError,
  401: AuthenticationError,
  403: PermissionDeniedError,
  404: NotFoundError,
  409: ConflictError,
  422: UnprocessableEntityError,
  429: RateLimitError,
};

/** The error of this status, in its own class. */
export function apiError(
  status: number | undefined,
  message: string,
  code?: string,
  options?: ApiErrorOptions,
): ApiError {
  if (status === undefined) return new ApiConnectionError(status, message, code, options);
  const Class = CLASS_OF_STATUS[status] ?? (status >= 500 ? InternalServerError : ApiError);
  return new Class(status, message, code, options);
}

/** A refusal as the error its HTTP answer would be. */
export function refusalError({ code, message }: Refusal): ApiError {
  return apiError(httpStatus(code), message, code);
}

/** How far a batch came: its large payloads were being stored, it was being made, or its items were being sent. */
export type BatchPhase = "offload" | "create" | "stream";

/**
 * A batch was refused, or not answered for. `cause` (and `apiError`) is the refusal itself; status and code are its.
 * In the phase `stream` some items may have been triggered.
 */
export class BatchTriggerError extends ApiError {
  override readonly name = "BatchTriggerError";
  readonly phase: BatchPhase;
  readonly itemCount: number;
  readonly apiError: ApiError;

  constructor(phase: BatchPhase, itemCount: number, cause: ApiError) {
    const { headers } = cause;
    super(cause.status, cause.message, cause.code, { cause, headers });
    this.phase = phase;
    this.itemCount = itemCount;
    this.apiError = cause;
  }

  get isRateLimited(): boolean {
    return this.status === 429;
  }

  /** When the platform asks for patience: for how long. */
  get retryAfterMs(): number | undefined {
    const seconds = Number(this.headers?.["retry-after"] ?? Number.NaN);
    if (!Number.isNaN(seconds)) return seconds * 1000;
    return this.apiError instanceof RateLimitError
      ? this.apiError.millisecondsUntilReset
      : undefined;
  }
}

/** Ends what was still being followed when `shutdown()` was called. */
export function shutDown(): ApiError {
  return apiError(undefined, "shutdown() was called");
}

/** Neither code nor environment say how to reach the platform, or they contradict each other. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

/** Thrown by `unwrap()` when the child run did not succeed; `cause` is the child's error. */
export class SubtaskUnwrapError extends Error {
  override readonly name = "SubtaskUnwrapError";
  readonly taskId: string;
  readonly runId: string;

  constructor(taskId: string, runId: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`Run ${runId} of task "${taskId}" did not succeed: ${reason}`, { cause });
    this.taskId = taskId;
    this.runId = runId;
  }
}

/** Thrown in a task's code, it fails the run for good: no attempt follows. Recognised by its name. */
export class AbortTaskRunError extends Error {
  override readonly name = "AbortTaskRunError";
}

/** Thrown in a task's `run`, it ends the run as a success with this output. Recognised by its name. */
export class CompleteTaskWithOutput extends Error {
  override readonly name = "CompleteTaskWithOutput";
  readonly output: unknown;

  constructor(output?: unknown) {
    super("The task is complete");
    this.output = output;
  }
}

/**
 * Thrown in a task's code, it says that the machine has too little memory: the run is tried once more on the machine
 * of `retry.outOfMemory`, or fails for good when there is none. Recognised by its name.
 */
export class OutOfMemoryError extends Error {
  override readonly name = "OutOfMemoryError";

  constructor() {
    super("MANUAL_OOM_KILL_ERROR");
  }
}

/** The payload is not what the task's schema says; `cause` is what the schema threw. Nothing was triggered. */
export class TaskPayloadParsedError extends Error {
  override readonly name = "TaskPayloadParsedError";

  constructor(taskId: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`The payload is not what the schema of task "${taskId}" says: ${reason}`, { cause });
  }
}

/** Why a wait for a token gave no output: nobody completed it in time. */
export class WaitpointTimeoutError extends Error {
  override readonly name = "WaitpointTimeoutError";
}
