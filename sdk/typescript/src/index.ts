export { auth } from "./auth.ts";
export type { PublicTokenOptions, TokenScopes, TriggerTokenOptions } from "./auth.ts";
export { configure, shutdown } from "./platform.ts";
export type { Configuration } from "./config.ts";
export type { RequestOptions, RequestRetry } from "./request-options.ts";
export {
  AbortTaskRunError,
  ApiConnectionError,
  ApiError,
  AuthenticationError,
  BadRequestError,
  BatchTriggerError,
  CompleteTaskWithOutput,
  ConfigurationError,
  ConflictError,
  InternalServerError,
  NotFoundError,
  OutOfMemoryError,
  PermissionDeniedError,
  RateLimitError,
  SubtaskUnwrapError,
  TaskPayloadParsedError,
  UnprocessableEntityError,
  WaitpointTimeoutError,
} from "./errors.ts";
export type { TaskContext as Context } from "./host.ts";
export { logger } from "./logger.ts";
export type { TraceOptions } from "./logger.ts";
export { metadata } from "./metadata.ts";
export { tags } from "./tags.ts";
export { locals } from "./locals.ts";
export type { LocalsKey } from "./locals.ts";
export { retry } from "./retry.ts";
export type { RetryAttempt } from "./retry/on-throw.ts";
export type { RetryFetchInit } from "./retry/fetch.ts";
export type { FetchRetryOptions, StatusStrategy } from "./retry/strategies.ts";
export { usage } from "./usage.ts";
export type { ComputeUsage, CurrentUsage } from "./usage.ts";
export { heartbeats } from "./heartbeats.ts";
export { timeout } from "./timeout.ts";
export { waitUntil } from "./wait-until.ts";
export { createCache, InMemoryCache } from "./cache.ts";
export type { CacheEntry, CacheFunction, CacheMetadata, CacheStore } from "./cache.ts";
export { otel } from "./otel.ts";
export { defineConfig } from "./define-config.ts";
export type { LogLevel, TriggerConfig } from "./define-config.ts";
export type {
  CatchErrorResult,
  LifecycleHooks,
  TaskCancelHookParams,
  TaskCatchErrorHookParams,
  TaskCleanupHookParams,
  TaskCompleteHookParams,
  TaskCompleteResult,
  TaskFailureHookParams,
  TaskInitHookParams,
  TaskMiddlewareHookParams,
  TaskResumeHookParams,
  TaskStartAttemptHookParams,
  TaskStartHookParams,
  TaskSuccessHookParams,
  TaskWaitHookParams,
} from "./lifecycle/hook-types.ts";
export type { MachineOption } from "./machine.ts";
export { queue } from "./queue.ts";
export type { Queue, QueueOptions, RateLimitOption } from "./queue.ts";
export type { RunParams } from "./registry.ts";
export type { AnyRunReference, FollowedRunOf, ListedRun, Run, RunOf, RunReference } from "./run.ts";
export { runs } from "./runs.ts";
export type {
  ListRunsOptions,
  PollOptions,
  ReplayOptions,
  SubscribeToRunOptions,
  SubscribeToTagOptions,
} from "./runs.ts";
export type { RunsFilter } from "./run-filter.ts";
export type { BulkAction, BulkCancelOptions, BulkReplayOptions } from "./bulk-runs.ts";
export type { RunSubscription } from "./follow-run.ts";
export type { CursorPage, PagePromise } from "./pages.ts";
export { batch } from "./batch-namespace.ts";
export type { BatchByIdItem, BatchByTaskItem, RetrievedBatch } from "./batch-namespace.ts";
export { idempotencyKeys } from "./idempotency-keys.ts";
export type {
  IdempotencyKey,
  IdempotencyKeyOption,
  IdempotencyScope,
  ResetKeyOptions,
} from "./idempotency-keys.ts";
export { queues } from "./queues.ts";
export type { QueueItem, QueuePage, QueueReference } from "./queues.ts";
export { streams } from "./streams/streams.ts";
export type { DefinedStream, InferStreamType } from "./streams/streams.ts";
export type { PipeResult, WriterOptions } from "./streams/pipe.ts";
export type { ReadOptions } from "./streams/read.ts";
export type { WriteOptions } from "./streams/target.ts";
export type {
  CreatedToken,
  CreateTokenOptions,
  ListedToken,
  ListTokensOptions,
  RetrievedToken,
  TokenReference,
} from "./tokens.ts";
export { task } from "./task.ts";
export type { CronOption, ScheduledTaskOptions, ScheduledTaskPayload } from "./scheduled-task.ts";
export { schedules } from "./schedules.ts";
export type {
  CreateScheduleOptions,
  ScheduleObject,
  SchedulePage,
  UpdateScheduleOptions,
} from "./schedules.ts";
export { schemaTask } from "./schema-task.ts";
export type { SchemaTaskOptions } from "./schema-task.ts";
export type { Schema, SchemaInput, SchemaOutput } from "./schema.ts";
export type { TaskOptions } from "./task-options.ts";
export type {
  AnyTask,
  BatchHandle,
  BatchItem,
  BatchItems,
  BatchOptions,
  BatchResult,
  HandleOf,
  RunHandle,
  SubscribeOptions,
  Task,
  TaskIdentifier,
  TaskOutput,
  TaskPayload,
  TaskRunPromise,
  TaskRunResult,
  WaitOptions,
} from "./task-types.ts";
export { tasks } from "./tasks.ts";
export type { TriggerOptions } from "./trigger-options.ts";
export { wait } from "./wait.ts";
export type { WaitForOptions, WaitForToken, WaitUntilOptions } from "./wait.ts";
export { ManualWaitpointPromise } from "./manual-waitpoint.ts";
export type { WaitpointResult } from "./manual-waitpoint.ts";
