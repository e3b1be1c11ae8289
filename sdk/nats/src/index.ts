export { connectBroker, onReconnect } from "./connect.ts";
export type { BrokerAddress, NatsConnection } from "./connect.ts";
export {
  accessSettingsOf,
  brokerAccess,
  inboxPrefixOf,
  makeUserKey,
  publicKeyOf,
} from "./access.ts";
export type { AccessSettings, BrokerAccess } from "./access.ts";
export { BrokerAccessError, BrokerRefusedError, BrokerUnavailableError } from "./errors.ts";
export { once, Publisher } from "./publisher.ts";
export type { Published, PublishOptions } from "./publisher.ts";
export { ACK, IN_PROGRESS, NAK, nakAfter, sequenceOf, storedAt } from "./delivery.ts";
export type { Delivery } from "./delivery.ts";
export { PullLoop } from "./pull.ts";
export type { PullOptions } from "./pull.ts";
export { backlogOf, ensureConsumer } from "./consumers.ts";
export { DirectReader } from "./direct-reader.ts";
export { Feed } from "./feed.ts";
export type { FeedOptions } from "./feed.ts";
export { Bucket } from "./buckets.ts";
export type { Change, ChangeOptions, Entry, WriteOptions } from "./buckets.ts";
export { followRun, RunLogReader } from "./run-log.ts";
export { Catalog } from "./catalog.ts";
export { RunClient } from "./run-client.ts";
export type { ReplayChanges } from "./replay.ts";
export type { Claimed } from "./claims/claim-run.ts";
export type { Triggered, TriggerExtras } from "./run-client.ts";
export { Objects } from "./objects.ts";
export type { StoredObject } from "./objects.ts";
export { readStream } from "./stream-reader.ts";
export type { ReadChunk, StreamHandlers, StreamStart } from "./stream-reader.ts";
export { PlatformCalls } from "./calls/platform-calls.ts";
export type { PlatformOptions } from "./calls/platform-calls.ts";
export type { Answer, QueueCounts } from "./calls/answers.ts";
export { lastMessages } from "./last-messages.ts";
export type { LastMessage } from "./last-messages.ts";
export { slotAfter, slotBefore } from "./schedules/calendar.ts";
export { checkCron, readCron } from "./schedules/cron.ts";
export type { Cron, CronProblem } from "./schedules/cron.ts";
export { scheduleIdOf, scheduleRecord } from "./schedules/record.ts";
export type { ScheduleSettings } from "./schedules/record.ts";
export { slotPayload, slotRunId } from "./schedules/slot-run.ts";
export { effectiveAt, windowProblem } from "./schedules/window.ts";
export { SecretBox } from "./secrets/secret-box.ts";
export { EnvVars } from "./secrets/env-vars.ts";
export type { EnvVar } from "./secrets/env-vars.ts";
export { hashOfKey, openKey, reencryptKeys, registerKey } from "./secrets/api-keys.ts";
