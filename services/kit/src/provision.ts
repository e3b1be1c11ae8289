/**
 * Makes the broker's streams and buckets what `proto` says they are. Called by the coordinator at boot; idempotent,
 * and safe from several processes at once. Every other service waits until it has been done.
 */
import {
  JetStreamApiError,
  jetstreamManager,
  StorageType,
  type DiscardPolicy,
  type JetStreamManager,
  type RetentionPolicy,
  type StreamConfig,
} from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { Objm } from "@nats-io/obj";
import {
  bucketKeeping,
  BUCKETS,
  bucketStream,
  CONFIG_KEYS,
  DEFAULT_RETENTION_MS,
  objectStream,
  payloadsKeeping,
  RUNS,
  SCHEMA_VERSION,
  streamsKeeping,
  type BucketDefinition,
  type StreamDefinition,
} from "@millrace/proto";
import { Bucket, type NatsConnection } from "@millrace/nats";
import { z } from "zod";
import { ageMs } from "./retention.ts";

/** Message schedules arrived with this version. */
export const MINIMUM_BROKER_VERSION = "2.12.0";

/** The broker cannot carry Millrace; the message says what it lacks. */
export class UnsuitableBrokerError extends Error {
  override readonly name = "UnsuitableBrokerError";
}

const schemaVersion = z.number().int();

const STREAM_NOT_FOUND = 10_059;

/** The status of answers of a broker that has no leader for what is asked. */
const UNAVAILABLE = 503;

/** How long a removed key's marker stays for watchers that were away. */
const MARKER_TTL_MS = 60_000;

/** A message that asks for it would empty the whole stream, whoever may write one subject of it. Expiring keys need it. */
const NO_ROLLUP = { allow_rollup_hdrs: false };

/** A cluster that has just started elects its leaders first, and answers late or not at all until it has. */
const PATIENCE_MS = 60_000;
const RETRY_MS = 500;

export type Retention = {
  readonly retentionMs: number;
  /**
   * Called before it is changed, by what has been in force; infinite where nothing was ever removed. What is older than
   * the new one is gone afterwards.
   */
  readonly onChange?: (beforeMs: number) => Promise<void>;
};

/**
 * @param replicas copies of each stream: 1 on one node, 3 on a cluster
 * @param retention how long runs are kept, whatever was in force before; default 30 days
 * @throws UnsuitableBrokerError; what the broker last said, when it does not take part for a minute
 */
export async function provision(
  nc: NatsConnection,
  replicas: number,
  retention: Retention = { retentionMs: DEFAULT_RETENTION_MS },
): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      await provisionOnce(nc, replicas, retention);
      return;
    } catch (error) {
      if (!isPassing(error) || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** No answer in time, or a broker without a leader at the moment. What was done until then is found done. */
function isPassing(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.status === UNAVAILABLE;
  return error instanceof Error && error.name === "TimeoutError";
}

async function provisionOnce(
  nc: NatsConnection,
  replicas: number,
  { retentionMs, onChange }: Retention,
): Promise<void> {
  checkVersion(nc);
  if (nc.info?.jetstream !== true)
    throw new UnsuitableBrokerError(
      "The broker runs without JetStream: start nats-server with -js, or a jetstream block in its configuration",
    );
  const jsm = await jetstreamManager(nc);
  const kvm = new Kvm(nc);
  // Before anything else is touched: an older service must leave a newer broker as it is.
  await ensureBucket(kvm, jsm, BUCKETS.config, replicas);
  const config = await Bucket.open(nc, BUCKETS.config, schemaVersion);
  const current = (await config.get(CONFIG_KEYS.schema))?.value;
  if (current !== undefined && current > SCHEMA_VERSION)
    throw new UnsuitableBrokerError(
      `The broker holds data of a newer Millrace (schema ${current}; this is ${SCHEMA_VERSION}): upgrade this service`,
    );
  const beforeMs = await keptMs(jsm);
  if (beforeMs !== undefined && beforeMs !== retentionMs) await onChange?.(beforeMs);
  for (const definition of streamsKeeping(retentionMs))
    await ensureStream(jsm, definition, replicas);
  for (const definition of Object.values(BUCKETS))
    await ensureBucket(kvm, jsm, bucketKeeping(definition, retentionMs), replicas);
  await ensureObjects(nc, jsm, payloadsKeeping(retentionMs), replicas);
  if (current !== SCHEMA_VERSION) await config.put(CONFIG_KEYS.schema, SCHEMA_VERSION);
}

/** Resolves when a coordinator has provisioned the broker. */
export async function waitUntilProvisioned(
  nc: NatsConnection,
  onWaiting: () => void,
  signal: AbortSignal,
): Promise<void> {
  checkVersion(nc);
  for (let tries = 0; !signal.aborted; tries++) {
    const schema = await Bucket.open(nc, BUCKETS.config, schemaVersion)
      .then((config) => config.get(CONFIG_KEYS.schema))
      .catch(() => undefined);
    if (schema) return;
    if (tries % 20 === 0) onWaiting();
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

function checkVersion(nc: NatsConnection): void {
  const version = nc.info?.version ?? "0.0.0";
  if (!isAtLeast(version, MINIMUM_BROKER_VERSION))
    throw new UnsuitableBrokerError(
      `The broker at ${nc.getServer()} is nats-server ${version}; Millrace needs ${MINIMUM_BROKER_VERSION} or newer (message schedules)`,
    );
}

export function isAtLeast(version: string, minimum: string): boolean {
  const parts = (text: string): number[] =>
    (/^v?(\d+)\.(\d+)\.(\d+)/.exec(text) ?? []).slice(1).map(Number);
  const have = parts(version);
  const need = parts(minimum);
  if (have.length < 3) return false;
  for (const [i, n] of need.entries()) {
    const h = have[i] ?? 0;
    if (h !== n) return h > n;
  }
  return true;
}

/** A stream that is not as `proto` says, and in which fields; `undefined`: it is not there. */
export type Difference = {
  readonly stream: string;
  readonly fields: readonly string[] | undefined;
};

/** What `provision` would make or change. Changes nothing. */
export async function differences(
  nc: NatsConnection,
  replicas: number,
  retentionMs: number,
): Promise<Difference[]> {
  const jsm = await jetstreamManager(nc);
  const found: Difference[] = [];
  const compare = async (stream: string, wanted: Wanted): Promise<void> => {
    const existing = await jsm.streams.info(stream).catch(() => undefined);
    const fields = existing && differing(existing.config, wanted);
    if (!fields || fields.length > 0) found.push({ stream, fields });
  };
  for (const definition of streamsKeeping(retentionMs))
    await compare(definition.name, wantedOfStream(definition, replicas));
  for (const definition of Object.values(BUCKETS))
    await compare(
      bucketStream(definition.name),
      wantedOfBucket(bucketKeeping(definition, retentionMs), replicas),
    );
  const payloads = payloadsKeeping(retentionMs);
  await compare(objectStream(payloads.name), wantedOfObjects(payloads, replicas));
  return found;
}

type Wanted = Readonly<Record<string, unknown>>;
type ObjectDefinition = {
  readonly name: string;
  readonly description: string;
  readonly ttlMs: number;
};

/** How long the log keeps a run; undefined when there is no log yet. */
async function keptMs(jsm: JetStreamManager): Promise<number | undefined> {
  const log = await jsm.streams.info(RUNS.name).catch((error: unknown) => {
    if (error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND) return undefined;
    throw error;
  });
  return log && ageMs(log.config.max_age);
}

async function ensureStream(
  jsm: JetStreamManager,
  definition: StreamDefinition,
  replicas: number,
): Promise<void> {
  const wanted = wantedOfStream(definition, replicas);
  const existing = await jsm.streams.info(definition.name).catch(() => undefined);
  if (!existing) await jsm.streams.add(wanted);
  else if (differing(existing.config, wanted).length > 0)
    await jsm.streams.update(definition.name, wanted);
}

function wantedOfStream(
  definition: StreamDefinition,
  replicas: number,
): Wanted & Partial<StreamConfig> & { name: string } {
  return {
    ...definition,
    subjects: [...definition.subjects],
    retention: definition.retention as RetentionPolicy,
    discard: definition.discard as DiscardPolicy,
    storage: StorageType.File,
    num_replicas: replicas,
  };
}

/** A bucket is a stream with subjects and limits of its own; what may change later is its time to live and copies. */
async function ensureBucket(
  kvm: Kvm,
  jsm: JetStreamManager,
  definition: BucketDefinition,
  replicas: number,
): Promise<void> {
  const { name, description, ttlMs } = definition;
  const ttl = ttlMs === undefined ? {} : { ttl: ttlMs };
  const marker = expires(definition) ? { markerTTL: MARKER_TTL_MS } : {};
  await kvm.create(name, { description, history: 1, replicas, ...ttl, ...marker });
  await adjust(jsm, bucketStream(name), wantedOfBucket(definition, replicas));
}

function wantedOfBucket(definition: BucketDefinition, replicas: number): Wanted {
  return {
    num_replicas: replicas,
    max_age: (definition.ttlMs ?? 0) * 1e6,
    ...(expires(definition)
      ? { allow_msg_ttl: true, subject_delete_marker_ttl: MARKER_TTL_MS * 1e6 }
      : NO_ROLLUP),
  };
}

function expires({ ttlMs, keyTtl }: BucketDefinition): boolean {
  return ttlMs !== undefined || keyTtl === true;
}

/** Objects, too, are messages of a stream. */
async function ensureObjects(
  nc: NatsConnection,
  jsm: JetStreamManager,
  definition: ObjectDefinition,
  replicas: number,
): Promise<void> {
  const { name, description, ttlMs } = definition;
  await new Objm(nc).create(name, { description, replicas, ttl: ttlMs * 1e6 });
  await adjust(jsm, objectStream(name), wantedOfObjects(definition, replicas));
}

function wantedOfObjects({ ttlMs }: ObjectDefinition, replicas: number): Wanted {
  return { num_replicas: replicas, max_age: ttlMs * 1e6, ...NO_ROLLUP };
}

async function adjust(jsm: JetStreamManager, stream: string, wanted: Wanted): Promise<void> {
  const { config } = await jsm.streams.info(stream);
  if (differing(config, wanted).length > 0) await jsm.streams.update(stream, wanted);
}

/** The fields in which it is not as wanted. */
function differing(existing: StreamConfig, wanted: Wanted): string[] {
  const have = existing as unknown as Wanted;
  return Object.entries(wanted).flatMap(([field, value]) =>
    JSON.stringify(have[field] ?? null) === JSON.stringify(value) ? [] : [field],
  );
}
