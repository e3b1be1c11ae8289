/** For the worker agent: not for users, may change at any time. */
export { apiError } from "./errors.ts";
export { currentRun, runInScope } from "./host.ts";
export type {
  Handle,
  RunHost,
  RunScope,
  TaskContext,
  Transport,
  TriggerCall,
  TriggeredBatch,
} from "./host.ts";
export { fromPacket, toPacket } from "./packets.ts";
export { definedQueues, definedTasks } from "./registry.ts";
export type { DefinedQueue, DefinedTask, RunParams } from "./registry.ts";
