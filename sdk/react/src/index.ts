/** React hooks, with the names, options and results of v4's `react-hooks`. For browsers: nothing of Node is used. */
export { ApiError } from "./api-error.ts";
export type { StreamPart } from "./live/follow-stream.ts";
export type { RealtimeRun, SkippedColumn } from "./realtime-run.ts";
export type { Run } from "./run.ts";
export type { AnyTask, TaskIdentifier, TaskOutput, TaskPayload } from "./task-types.ts";
export {
  TriggerAuthContext,
  useTriggerAuthContext,
  useTriggerAuthContextOptional,
} from "./trigger-auth-context.ts";
export type { HookOptions, TriggerAuth } from "./trigger-auth-context.ts";
export type { FollowOptions } from "./use-followed-runs.ts";
export { useInputStreamSend } from "./use-input-stream-send.ts";
export type { InputStreamSendInstance } from "./use-input-stream-send.ts";
export { useRealtimeRunWithStreams } from "./use-realtime-run-with-streams.ts";
export type {
  StreamResults,
  UseRealtimeRunWithStreamsInstance,
} from "./use-realtime-run-with-streams.ts";
export { useRealtimeRun } from "./use-realtime-run.ts";
export type { UseRealtimeRunInstance, UseRealtimeRunOptions } from "./use-realtime-run.ts";
export { useRealtimeBatch, useRealtimeRunsWithTag } from "./use-realtime-runs.ts";
export type {
  UseRealtimeBatchOptions,
  UseRealtimeRunsInstance,
  UseRealtimeRunsWithTagOptions,
} from "./use-realtime-runs.ts";
export { useRealtimeStream } from "./use-realtime-stream.ts";
export type {
  StreamPartOf,
  UseRealtimeStreamInstance,
  UseRealtimeStreamOptions,
} from "./use-realtime-stream.ts";
export {
  useRealtimeTaskTrigger,
  useRealtimeTaskTriggerWithStreams,
} from "./use-realtime-task-trigger.ts";
export type {
  RealtimeTriggerInstance,
  RealtimeTriggerInstanceWithStreams,
  UseRealtimeTaskTriggerOptions,
} from "./use-realtime-task-trigger.ts";
export { useRun } from "./use-run.ts";
export type { UseRunInstance, UseRunOptions } from "./use-run.ts";
export { useTaskTrigger } from "./use-task-trigger.ts";
export type { TriggerHandle, TriggerInstance, TriggerOptions } from "./use-task-trigger.ts";
export { useWaitToken } from "./use-wait-token.ts";
export type { WaitTokenInstance } from "./use-wait-token.ts";
