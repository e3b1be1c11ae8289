export { encodeBody, decodeBody, encodeEvent, decodeEvent, TYPE_HEADER } from "./wire/codec.ts";
export type { DecodedEvent, NotAnEvent } from "./wire/codec.ts";
export {
  fnv1a,
  isRunId,
  makeRunId,
  RUN_ID_RANDOM_BYTES,
  SHARD_COUNT,
  shardOfQueue,
  shardOfRun,
} from "./wire/ids.ts";
export { decodeToken, encodeToken } from "./wire/tokens.ts";
export {
  dispatchFilter,
  dispatchSubject,
  dueSubject,
  FOLDED_ROLES,
  parseDueSubject,
  parseRunSubject,
  parseSignalSubject,
  runSubject,
  runSubjects,
  shardSubjects,
  signalSubject,
  slotFilter,
  slotIdOf,
  slotSubject,
  telemetrySubject,
  timerSubject,
} from "./wire/subjects.ts";
export type { Gate, Role, RunSubject, Signal, SignalKind } from "./wire/subjects.ts";
export {
  BUCKETS,
  dispatchConsumer,
  DUE_CONSUMER,
  LEASE_TTL_MS,
  OBJECT_BUCKETS,
  PRESENCE_TTL_MS,
  signalConsumer,
  SLOT_LEASE_MS,
  slotConsumer,
  STREAMS,
  RUNS,
  SLOTS,
  DISPATCH,
  RESUME,
  TIMERS,
  OUTPUT,
  TELEMETRY,
} from "./wire/streams.ts";
export type { BucketDefinition, ConsumerDefinition, StreamDefinition } from "./wire/streams.ts";
export { dispatchSchema, INLINE_PAYLOAD_MAX } from "./wire/dispatch.ts";
export type { Dispatch } from "./wire/dispatch.ts";
export { scheduleHeaders, timerBodySchema } from "./wire/timer.ts";
export { logRecordSchema } from "./wire/telemetry.ts";
export type { LogRecord } from "./wire/telemetry.ts";
export { EVENT_ROLES, EVENT_SCHEMAS, isEventType } from "./events/events.ts";
export type { EventData, EventType, RunEvent, RunEventOf } from "./events/events.ts";
export type { ChildResult, Packet, RunError, WaitRequest } from "./events/values.ts";
export { applied, evolve } from "./run/evolve.ts";
export { TIMER } from "./run/timers.ts";
export { fold } from "./run/fold.ts";
export { diff, obligations, resultOf } from "./run/obligations.ts";
export type { Obligation, ObligationDiff } from "./run/obligations.ts";
export { isRetryable, outcomeOf, retriesAfterLoss } from "./run/outcome.ts";
export { initial } from "./run/state.ts";
export type {
  Executing,
  Finished,
  LiveRun,
  Outcome,
  Queued,
  RunState,
  Slot,
  StateOf,
  Status,
  Trigger,
  Wait,
} from "./run/state.ts";
export { publicError, publicStatus, viewOf } from "./run/view.ts";
export type { PublicStatus, RunView } from "./run/view.ts";
export {
  DEFAULT_PRESET,
  isolationSchema,
  laneOf,
  MACHINE_SIZES,
  PRESETS,
  presetSchema,
} from "./machines.ts";
export type { Isolation, MachineSize, Preset } from "./machines.ts";
export {
  agentRecordSchema,
  CONFIG_KEYS,
  keyRecordSchema,
  LEASE_KEYS,
  ownQueue,
  queueKey,
  queueRecordSchema,
  retrySettingsSchema,
  SCHEMA_VERSION,
  taskKey,
  taskRecordSchema,
} from "./registry.ts";
export type { AgentRecord, KeyRecord, QueueRecord, RetrySettings, TaskRecord } from "./registry.ts";
export { ERRORS, httpStatus, refuse } from "./errors.ts";
export type { ErrorCode, Refusal } from "./errors.ts";
export { MAX_DURATION_MS, parseDuration, parseMoment } from "./api/durations.ts";
export {
  acceptTrigger,
  LIMITS,
  queueOfTrigger,
  triggerBodySchema,
  triggerOptionsSchema,
} from "./api/trigger.ts";
export type {
  Accepted,
  Lineage,
  TriggerBody,
  TriggerContext,
  TriggerOptions,
} from "./api/trigger.ts";
export { readTrigger, taskIdProblem } from "./api/read-trigger.ts";
export { LIVE, liveRequestSchema } from "./api/live.ts";
export type { LiveMessage, LiveRequest } from "./api/live.ts";
export { eventsOfLog, runLogSchema } from "./api/log.ts";
export type { RunLog } from "./api/log.ts";
