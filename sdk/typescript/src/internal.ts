/** For the worker agent: not for users, may change at any time. */
export { apiError } from "./errors.ts";
export { currentRun, runInScope } from "./host.ts";
export type {
  Handle,
  RunHost,
  RunScope,
  RunsSelector,
  StreamReader,
  Subscription,
  TaskContext,
  Transport,
  TriggerCall,
  TriggeredBatch,
  WaitInfo,
} from "./host.ts";
export { openAttempt } from "./lifecycle/open-attempt.ts";
export { internalError, runErrorOf } from "./lifecycle/run-error.ts";
export type { Attempt, AttemptEnd, AttemptSettings } from "./lifecycle/types.ts";
export { fromPacket, toPacket } from "./packets.ts";
export { definedConfig, definedQueues, definedTasks, effectiveRetry } from "./registry.ts";
export type { DefinedConfig, DefinedQueue, DefinedTask, RunParams } from "./registry.ts";
