export { configure, shutdown } from "./platform.ts";
export type { Configuration } from "./config.ts";
export {
  AbortTaskRunError,
  ApiConnectionError,
  ApiError,
  AuthenticationError,
  BadRequestError,
  ConfigurationError,
  ConflictError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
  SubtaskUnwrapError,
  UnprocessableEntityError,
} from "./errors.ts";
export type { TaskContext as Context } from "./host.ts";
export { logger } from "./logger.ts";
export type { MachineOption } from "./machine.ts";
export { queue } from "./queue.ts";
export type { Queue, QueueOptions } from "./queue.ts";
export type { RunParams } from "./registry.ts";
export type { AnyRunReference, Run, RunOf, RunReference } from "./run.ts";
export { runs } from "./runs.ts";
export type { PollOptions } from "./runs.ts";
export { task } from "./task.ts";
export type { TaskOptions } from "./task-options.ts";
export type {
  AnyTask,
  BatchHandle,
  BatchItem,
  BatchResult,
  HandleOf,
  RunHandle,
  Task,
  TaskIdentifier,
  TaskOutput,
  TaskPayload,
  TaskRunPromise,
  TaskRunResult,
} from "./task-types.ts";
export { tasks } from "./tasks.ts";
export type { TriggerOptions } from "./trigger-options.ts";
export { wait } from "./wait.ts";
export type { WaitForOptions, WaitUntilOptions } from "./wait.ts";
