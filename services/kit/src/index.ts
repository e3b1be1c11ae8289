export {
  ACK,
  backlogOf,
  BrokerRefusedError,
  BrokerUnavailableError,
  Bucket,
  Catalog,
  checkCron,
  DirectReader,
  effectiveAt,
  ensureConsumer,
  EnvVars,
  Feed,
  hashOfKey,
  IN_PROGRESS,
  lastMessages,
  NAK,
  nakAfter,
  sequenceOf,
  storedAt,
  Objects,
  onReconnect,
  openKey,
  PlatformCalls,
  once,
  Publisher,
  PullLoop,
  readCron,
  readStream,
  RunClient,
  RunLogReader,
  scheduleIdOf,
  scheduleRecord,
  SecretBox,
  slotAfter,
  slotBefore,
  slotPayload,
  slotRunId,
  windowProblem,
} from "@millrace/nats";
export type {
  Answer,
  Change,
  Claimed,
  Cron,
  Delivery,
  EnvVar,
  NatsConnection,
  PlatformOptions,
  Published,
  PublishOptions,
  QueueCounts,
  ReadChunk,
  ReplayChanges,
  ScheduleSettings,
  StoredObject,
  StreamHandlers,
  StreamStart,
  Triggered,
} from "@millrace/nats";
export { baseConfigSchema, ConfigError, readConfig } from "./config.ts";
export type { BaseConfig, Environment } from "./config.ts";
export { HealthServer } from "./health.ts";
export type { Readiness } from "./health.ts";
export { Heap } from "./heap.ts";
export { Lease, leaseRecordSchema } from "./lease.ts";
export type { LeaseRecord } from "./lease.ts";
export { openBlobs } from "./objects.ts";
export type { Blobs } from "./objects.ts";
export {
  differences,
  isAtLeast,
  MINIMUM_BROKER_VERSION,
  provision,
  UnsuitableBrokerError,
  waitUntilProvisioned,
} from "./provision.ts";
export { retentionInForce } from "./retention.ts";
export { Metrics, SECONDS } from "./metrics.ts";
export type { CounterFeed, HistogramFeed } from "./metrics.ts";
export { purgeSubject } from "./purge.ts";
export { runService } from "./service.ts";
export type { Logger, ServiceContext } from "./service.ts";
