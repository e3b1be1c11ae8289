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
  ARMED_TIMERS,
  dispatchFilter,
  dispatchSubject,
  dueSubject,
  FOLDED_ROLES,
  parseDueSubject,
  parseRunSubject,
  objectChunk,
  objectChunks,
  objectDescription,
  outputSubject,
  parseSignalSubject,
  parseTimerSubject,
  runSubject,
  runSubjects,
  shardSubjects,
  signalSubject,
  slotFilter,
  slotIdFor,
  slotIdOf,
  slotSubject,
  telemetrySubject,
  timerSubject,
} from "./wire/subjects.ts";
export type { Gate, Role, RunSubject, Signal, SignalKind } from "./wire/subjects.ts";
export {
  bucketKeeping,
  DEFAULT_RETENTION_MS,
  MINIMUM_RETENTION_MS,
  payloadsKeeping,
  streamsKeeping,
} from "./wire/retention.ts";
export {
  BUCKETS,
  bucketStream,
  dispatchConsumer,
  DUE_CONSUMER,
  LEASE_TTL_MS,
  OBJECT_BUCKETS,
  objectStream,
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
export { permissionsOf } from "./wire/permissions/permissions.ts";
export type { BrokerRole, Permissions } from "./wire/permissions/roles.ts";
export { dispatchSchema, INLINE_PAYLOAD_MAX } from "./wire/dispatch.ts";
export type { Dispatch } from "./wire/dispatch.ts";
export { firingId, scheduleHeaders, timerBodySchema } from "./wire/timer.ts";
export { outputSchema } from "./wire/output.ts";
export type { OutputMessage } from "./wire/output.ts";
export { logRecordSchema, spanRecordSchema } from "./wire/telemetry.ts";
export type { LogRecord, SpanRecord } from "./wire/telemetry.ts";
export { EVENT_ROLES, EVENT_SCHEMAS, isEventType } from "./events/events.ts";
export type { EventData, EventType, RunEvent, RunEventOf } from "./events/events.ts";
export { metadataOperationSchema } from "./events/values.ts";
export type {
  ChildResult,
  MetadataOperation,
  Packet,
  RunError,
  TokenResult,
  WaitRequest,
} from "./events/values.ts";
export { applyMetadata } from "./run/metadata.ts";
export { applied, evolve } from "./run/evolve.ts";
export { isWaiter } from "./run/facts.ts";
export { TIMER } from "./run/timers.ts";
export { fold } from "./run/fold.ts";
export { waitsToFork } from "./run/fork.ts";
export { diff, obligations, resultOf } from "./run/obligations.ts";
export type { Obligation, ObligationDiff } from "./run/obligations.ts";
export { isRetryable, outcomeOf, retriesAfterLoss } from "./run/outcome.ts";
export { maxAttemptsOf, RETRY_DEFAULTS, retryDelayMs } from "./run/retry.ts";
export { initial } from "./run/state.ts";
export type {
  Executing,
  Finished,
  JsonObject,
  LiveRun,
  Outcome,
  Queued,
  RunState,
  Slot,
  StateOf,
  Status,
  Trigger,
  Wait,
  Waiter,
} from "./run/state.ts";
export { publicError, publicStatus, STORED, viewOf } from "./run/view.ts";
export type { PublicStatus, RunView } from "./run/view.ts";
export {
  DEFAULT_PRESET,
  isolationSchema,
  laneOf,
  machineOf,
  MACHINE_SIZES,
  PRESETS,
  presetSchema,
} from "./machines.ts";
export type { Isolation, MachineOption, MachineSize, Preset } from "./machines.ts";
export { agentKey, agentOfKey, agentRecordSchema, poolOf } from "./registry/agents.ts";
export type { AgentRecord } from "./registry/agents.ts";
export { keyRecordSchema, usedTokenKey, usedTokenRecordSchema } from "./registry/api-keys.ts";
export type { KeyRecord, UsedTokenRecord } from "./registry/api-keys.ts";
export { batchKey, batchRecordSchema } from "./registry/batches.ts";
export type { BatchRecord } from "./registry/batches.ts";
export { bulkKey, bulkRecordSchema } from "./registry/bulk-actions.ts";
export type { BulkRecord } from "./registry/bulk-actions.ts";
export {
  debounceKeyOf,
  debounceRecordSchema,
  idempotencyKeyOf,
  idempotencyRecordSchema,
} from "./registry/claims.ts";
export type { DebounceRecord, IdempotencyRecord } from "./registry/claims.ts";
export { envVarKey, envVarRecordSchema } from "./registry/env-vars.ts";
export type { EnvVarRecord } from "./registry/env-vars.ts";
export { CONFIG_KEYS, LEASE_KEYS, SCHEMA_VERSION } from "./registry/installation.ts";
export {
  limitOfQueue,
  needsSlot,
  ownQueue,
  queueId,
  queueKey,
  queueOfId,
  queueRecordSchema,
  rateLimitSchema,
} from "./registry/queues.ts";
export type { QueueRecord, RateLimit } from "./registry/queues.ts";
export { scheduleKey, scheduleRecordSchema } from "./registry/schedules.ts";
export type { ScheduleRecord } from "./registry/schedules.ts";
export { retrySettingsSchema, taskKey, taskRecordSchema } from "./registry/tasks.ts";
export type { RetrySettings, TaskRecord } from "./registry/tasks.ts";
export { tokenKey, tokenRecordSchema } from "./registry/waitpoints.ts";
export type { TokenRecord } from "./registry/waitpoints.ts";
export {
  branchEnvironment,
  branchProblem,
  ENVIRONMENT_TYPES,
  environmentType,
  keyEnvironment,
  keyPrefix,
  PREVIEW,
} from "./environments.ts";
export type { EnvironmentType } from "./environments.ts";
export { iso } from "./iso.ts";
export { ERRORS, httpStatus, noSuchRun, refuse } from "./errors.ts";
export type { ErrorCode, Refusal } from "./errors.ts";
export { MAX_DURATION_MS, parseDuration, parseMoment } from "./api/durations.ts";
export { acceptTrigger, queueOfTrigger } from "./api/accept-trigger.ts";
export type { Accepted, Lineage, TriggerContext } from "./api/accept-trigger.ts";
export { IDEMPOTENCY_TTL_MS, readKeyTtl } from "./api/trigger-keys.ts";
export type { DebounceClaim, IdempotencyClaim } from "./api/trigger-keys.ts";
export { metadataProblem, readTags } from "./api/trigger-values.ts";
export { LIMITS, triggerBodySchema, triggerOptionsSchema } from "./api/trigger.ts";
export type { TriggerBody, TriggerOptions } from "./api/trigger.ts";
export { readTrigger, taskIdProblem } from "./api/read-trigger.ts";
export { LIVE, liveAuthSchema, liveRequestSchema } from "./api/live.ts";
export type { LiveAuth, LiveMessage, LiveRequest, LiveSubscribe } from "./api/live.ts";
export {
  formatOffset,
  MUST_REFETCH,
  parseOffset,
  realtimeMessage,
  realtimeSchema,
  UP_TO_DATE,
} from "./api/realtime.ts";
export type { RealtimeMessage } from "./api/realtime.ts";
export { realtimeColumns, realtimeRow, STREAMS_KEY, streamsOf } from "./api/realtime-row.ts";
export type { RealtimeColumn, RealtimeRow } from "./api/realtime-row.ts";
export { eventsOfLog, runLogSchema } from "./api/log.ts";
export type { RunLog, RunStateAt } from "./api/log.ts";
export { CALLS, GATEWAY_CALLS, PUBLIC_STATUSES, runFilterSchema } from "./api/calls.ts";
export type {
  BatchView,
  BulkAction,
  CallInput,
  CallName,
  CallOutput,
  Page,
  NumberedPage,
  QueueView,
  RunFilter,
  RunItem,
  ScheduleView,
  TokenView,
} from "./api/calls.ts";
export { explainRun } from "./api/explain.ts";
export type { ExplanationFacts, Reason, RunExplanation } from "./api/explain.ts";
export {
  batchItemsAnswerSchema,
  batchItemSchema,
  batchViewSchema,
  createBatchBodySchema,
  createdBatchSchema,
  taskBatchBodySchema,
  wholeBatchBodySchema,
} from "./api/batches.ts";
export type { BatchItem, BatchItemsAnswer, CreateBatchBody, CreatedBatch } from "./api/batches.ts";
export { presignedGetSchema, presignedPutSchema } from "./api/packets.ts";
export type { SignedQuery } from "./api/packets.ts";
export {
  overrideQueueBodySchema,
  pauseQueueBodySchema,
  queueListSchema,
  queueViewSchema,
  resetQueueBodySchema,
} from "./api/queues.ts";
export type { QueueQuery } from "./api/queues.ts";
export {
  addTagsBodySchema,
  metadataAnswerSchema,
  replayBodySchema,
  rescheduleBodySchema,
  resetKeyBodySchema,
  runResultSchema,
  triggeredSchema,
  updateMetadataBodySchema,
} from "./api/run-requests.ts";
export type { RunResult } from "./api/run-requests.ts";
export { retrievedRunSchema } from "./api/run-views.ts";
export type { RunFilterName } from "./api/run-views.ts";
export { datesOf } from "./api/run-dates.ts";
export type { RunDate } from "./api/run-dates.ts";
export { cursorPageQuerySchema, numberedPageQuerySchema } from "./api/pages.ts";
export { createBulkActionBodySchema } from "./api/bulk.ts";
export type { BulkFilter } from "./api/bulk.ts";
export { deploymentListQuerySchema } from "./api/deployments.ts";
export type { Deployment, DeploymentListQuery } from "./api/deployments.ts";
export { TRACE_RECORDS_MAX, tracePageQuerySchema } from "./api/trace.ts";
export { sendInputBodySchema } from "./api/run-streams.ts";
export type { ShapeQuery } from "./api/realtime-messages.ts";
export { forbiddenSchema, rateLimitedSchema, refusalSchema } from "./api/refusals.ts";
export { OPERATIONS } from "./api/operations/all.ts";
export { COMPONENTS } from "./api/operations/components.ts";
export { commonErrors } from "./api/operations/operation.ts";
export type {
  Content,
  Credentials,
  Operation,
  OperationError,
  RequestBody,
  Tag,
} from "./api/operations/operation.ts";
export {
  createScheduleBodySchema,
  scheduleListSchema,
  scheduleViewSchema,
  timezonesSchema,
  updateScheduleBodySchema,
} from "./api/schedules.ts";
export {
  completeTokenBodySchema,
  createdTokenSchema,
  createTokenBodySchema,
  tokenListSchema,
  tokenViewSchema,
} from "./api/waitpoints.ts";
export type { TokenListQuery } from "./api/waitpoints.ts";
export {
  createPublicTokenBodySchema,
  MAX_TOKEN_LIFETIME_MS,
  signedTokenSchema,
  signTokenBodySchema,
  TOKEN_AUDIENCE,
  TOKEN_ISSUER,
  tokenClaimsSchema,
} from "./api/auth.ts";
export type { TokenClaims } from "./api/auth.ts";
export { grants, isScope } from "./api/scopes.ts";
export type { Action, Permission } from "./api/scopes.ts";
export {
  createEnvVarBodySchema,
  envVarListSchema,
  envVarNameProblem,
  importEnvVarsBodySchema,
  updateEnvVarBodySchema,
} from "./api/envvars.ts";
export type { EnvVarView } from "./api/envvars.ts";
