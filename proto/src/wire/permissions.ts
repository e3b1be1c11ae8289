/**
 * What each role may do with the broker: the subjects it may publish to and listen to. Data, made of the subjects, streams
 * and buckets of this folder; the broker's configuration is generated from it.
 *
 * A request to JetStream is a message, too. What it is about stands in its subject where the role is confined to an
 * environment: a consumer is made with one filter, a message is read by its subject. Requests that name it in their body
 * (`STREAM.MSG.GET`, direct gets of several messages, `STREAM.INFO`, `STREAM.PURGE`) are for roles that see every
 * environment anyway.
 */
import { laneOf, PRESETS, isolationSchema } from "../machines.ts";
import { CONFIG_KEYS, LEASE_KEYS } from "../registry.ts";
import {
  BUCKETS,
  bucketStream,
  DISPATCH,
  dispatchConsumer,
  DUE_CONSUMER,
  OBJECT_BUCKETS,
  objectStream,
  OUTPUT,
  RESUME,
  RUNS,
  SLOTS,
  STREAMS,
  TELEMETRY,
  TIMERS,
} from "./streams.ts";
import { ARMED_TIMERS, type Role } from "./subjects.ts";

/** Who connects. `client`: a user's app. `admin`: the command line, which makes keys and looks at everything. */
export type BrokerRole =
  | { readonly kind: "coordinator" | "scheduler" | "gateway" | "admin" }
  | { readonly kind: "client"; readonly env: string }
  /** `pools`: those its agents serve, as `poolOf` names them. */
  | { readonly kind: "agent"; readonly env: string; readonly pools: readonly string[] };

export type Permissions = {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
};

/** @param inboxPrefix where answers to this user come, and to nobody else */
export function permissionsOf(role: BrokerRole, inboxPrefix: string): Permissions {
  const { publish = [], subscribe = [] } = ofRole(role);
  return {
    publish: [...new Set(publish)].toSorted(),
    subscribe: [...new Set([...subscribe, `${inboxPrefix}.>`])].toSorted(),
  };
}

type Partial = { readonly publish?: readonly string[]; readonly subscribe?: readonly string[] };

function ofRole(role: BrokerRole): Partial {
  switch (role.kind) {
    case "client":
      return client(role.env);
    case "agent":
      return agent(role.env, role.pools);
    case "gateway":
      return gateway();
    case "coordinator":
      return coordinator();
    case "scheduler":
      return scheduler();
    case "admin":
      return admin();
  }
}

const API = "$JS.API";
const EVERY_ENVIRONMENT = "*";

type BucketName = (typeof BUCKETS)[keyof typeof BUCKETS]["name"];

const PAYLOADS = OBJECT_BUCKETS.payloads.name;
const SNAPSHOTS = OBJECT_BUCKETS.snapshots.name;

/** An app of one environment. It triggers runs and follows them; what happens to a run is for others to say. */
function client(env: string): Partial {
  return {
    publish: [
      ...events(env, "client"),
      `out.${env}.*.*`,
      ...reading(RUNS.name, `run.${env}.>`),
      ...reading(OUTPUT.name, `out.${env}.>`),
      ...payloads(env),
      ...CLIENTS_READ.flatMap((bucket) => confinedReads(bucket, `${env}.>`)),
      ...CLIENTS_WRITE.map((bucket) => kv(bucket, `${env}.>`)),
    ],
    subscribe: [`run.${env}.*.*.*`, `out.${env}.*.*`],
  };
}

const CLIENTS_WRITE: readonly BucketName[] = [
  BUCKETS.queues.name,
  BUCKETS.idempotency.name,
  BUCKETS.debounce.name,
  BUCKETS.waitpoints.name,
  BUCKETS.schedules.name,
  BUCKETS.batches.name,
];
const CLIENTS_READ: readonly BucketName[] = [BUCKETS.tasks.name, ...CLIENTS_WRITE];

/** Runs the code of one environment, which may do all that an app may. */
function agent(env: string, pools: readonly string[]): Partial {
  const { publish = [], subscribe = [] } = client(env);
  return {
    publish: [
      ...publish,
      ...events(env, "agent", "meta"),
      `otel.${env}.*`,
      kv(BUCKETS.agents.name, `${env}.*`),
      kv(BUCKETS.tasks.name, `${env}.*`),
      ...confinedReads(BUCKETS.envvars.name, `${env}.>`),
      confinedGet(BUCKETS.config.name, CONFIG_KEYS.schema),
      confinedGet(BUCKETS.config.name, CONFIG_KEYS.masterKey),
      ...pools.flatMap((pool) => lanes(env, pool)),
      // Each agent has a consumer of its own, by a name nobody can guess.
      `${API}.CONSUMER.CREATE.${RESUME.name}.*.resume.${env}.*.>`,
      `${API}.CONSUMER.INFO.${RESUME.name}.*`,
      `${API}.CONSUMER.MSG.NEXT.${RESUME.name}.*`,
      ...acks(RESUME.name, "*"),
    ],
    subscribe,
  };
}

/** Taking runs of one pool, and of no other: a lane's consumer has a name that everybody knows. */
function lanes(env: string, pool: string): string[] {
  return PRESETS.flatMap((preset) =>
    isolationSchema.options.flatMap((isolation) => {
      const lane = dispatchConsumer(env, pool, laneOf(preset, isolation));
      const { stream, durable_name: name, filter_subject: filter } = lane;
      return [
        `${API}.CONSUMER.CREATE.${stream}.${name}.${filter}`,
        `${API}.CONSUMER.INFO.${stream}.${name}`,
        `${API}.CONSUMER.MSG.NEXT.${stream}.${name}`,
        ...acks(stream, name),
      ];
    }),
  );
}

/** The door of every environment. It decides by the caller's key what a request may see. */
function gateway(): Partial {
  return {
    publish: [
      ...events(EVERY_ENVIRONMENT, "client"),
      "out.*.*.*",
      ...reading(RUNS.name),
      ...reading(OUTPUT.name),
      ...direct(RUNS.name, OUTPUT.name, TELEMETRY.name),
      `${API}.STREAM.INFO.${RUNS.name}`,
      ...payloads(EVERY_ENVIRONMENT),
      ...oldPayloads(),
      ...GATEWAY_READS.flatMap(reads),
      ...GATEWAY_WRITES.map((bucket) => kv(bucket, ">")),
      kv(BUCKETS.config.name, CONFIG_KEYS.signingKey),
      kv(BUCKETS.config.name, CONFIG_KEYS.masterKey),
      kv(BUCKETS.leases.name, LEASE_KEYS.bulkAction("*")),
    ],
    subscribe: ["run.*.*.*.*", "out.*.*.*"],
  };
}

const GATEWAY_WRITES: readonly BucketName[] = [
  ...CLIENTS_WRITE,
  BUCKETS.bulk.name,
  BUCKETS.envvars.name,
  BUCKETS.usedTokens.name,
];
const GATEWAY_READS: readonly BucketName[] = [
  ...GATEWAY_WRITES,
  BUCKETS.tasks.name,
  BUCKETS.agents.name,
  BUCKETS.keys.name,
  BUCKETS.leases.name,
  BUCKETS.config.name,
];

/** Leads shards of runs, of every environment; and lays out the broker: nobody else makes or changes a stream. */
function coordinator(): Partial {
  return {
    publish: [
      ...provisioning(),
      ...events(EVERY_ENVIRONMENT, "coordinator"),
      "slot.*.*.*",
      "dispatch.*.*.*.*",
      "resume.*.*.*.*",
      "timer.*.*.*.*",
      ...reading(RUNS.name),
      ...direct(RUNS.name),
      ...consumersOf(SLOTS.name),
      ...acks(SLOTS.name, "*"),
      // The broker cannot confine a purge to a subject: it names it in its body.
      ...[DISPATCH, TIMERS].map(({ name }) => `${API}.STREAM.PURGE.${name}`),
      ...snapshots(),
      ...COORDINATOR_READS.flatMap(reads),
      kv(BUCKETS.leases.name, LEASE_KEYS.shard(0).replace(/[^.]+$/, "*")),
      kv(BUCKETS.leases.name, LEASE_KEYS.coordinator("*")),
      kv(BUCKETS.config.name, CONFIG_KEYS.schema),
    ],
  };
}

const COORDINATOR_READS: readonly BucketName[] = [
  BUCKETS.agents.name,
  BUCKETS.leases.name,
  BUCKETS.queues.name,
  BUCKETS.waitpoints.name,
  BUCKETS.config.name,
];

function provisioning(): string[] {
  const streams = [
    ...STREAMS.map(({ name }) => name),
    ...Object.values(BUCKETS).map(({ name }) => bucketStream(name)),
    ...Object.values(OBJECT_BUCKETS).map(({ name }) => objectStream(name)),
  ];
  const actions = ["CREATE", "UPDATE", "INFO"];
  return [
    `${API}.INFO`,
    ...streams.flatMap((name) => actions.map((action) => `${API}.STREAM.${action}.${name}`)),
  ];
}

/** The broker's own object store, which nobody else uses. */
function snapshots(): string[] {
  const stream = objectStream(SNAPSHOTS);
  return [
    `$O.${SNAPSHOTS}.>`,
    `${API}.STREAM.MSG.GET.${stream}`,
    `${API}.STREAM.PURGE.${stream}`,
    ...reading(stream),
    `$JS.FC.${stream}.>`,
  ];
}

/** Owns time, of every environment: fires timers, and triggers what schedules say. */
function scheduler(): Partial {
  return {
    publish: [
      ...events(EVERY_ENVIRONMENT, "scheduler", "client"),
      ...direct(RUNS.name, TIMERS.name),
      `${API}.STREAM.PURGE.${TIMERS.name}`,
      `${API}.CONSUMER.CREATE.${TIMERS.name}.${DUE_CONSUMER.durable_name}.${DUE_CONSUMER.filter_subject}`,
      `${API}.CONSUMER.INFO.${TIMERS.name}.${DUE_CONSUMER.durable_name}`,
      `${API}.CONSUMER.MSG.NEXT.${TIMERS.name}.${DUE_CONSUMER.durable_name}`,
      ...acks(TIMERS.name, DUE_CONSUMER.durable_name),
      ...SCHEDULER_READS.flatMap(reads),
      kv(BUCKETS.schedules.name, ">"),
      kv(BUCKETS.leases.name, LEASE_KEYS.scheduler("*")),
    ],
    subscribe: [ARMED_TIMERS],
  };
}

const SCHEDULER_READS: readonly BucketName[] = [
  BUCKETS.schedules.name,
  BUCKETS.leases.name,
  BUCKETS.agents.name,
  BUCKETS.tasks.name,
  BUCKETS.queues.name,
  BUCKETS.config.name,
];

/** Sees everything and changes secrets; runs, and the layout of the broker, are not its to change. */
function admin(): Partial {
  return {
    publish: [
      `${API}.INFO`,
      `${API}.STREAM.NAMES`,
      `${API}.STREAM.LIST`,
      `${API}.STREAM.INFO.*`,
      `${API}.STREAM.MSG.GET.*`,
      `${API}.DIRECT.GET.>`,
      `${API}.CONSUMER.NAMES.*`,
      `${API}.CONSUMER.LIST.*`,
      `${API}.CONSUMER.INFO.*.*`,
      ...STREAMS_WITHOUT_WORK.flatMap((name) => reading(name)),
      ...Object.values(BUCKETS).flatMap(({ name }) => reads(name)),
      kv(BUCKETS.keys.name, ">"),
      kv(BUCKETS.envvars.name, ">"),
      kv(BUCKETS.config.name, CONFIG_KEYS.masterKey),
    ],
  };
}

/** Reading from a work queue would take work away. */
const STREAMS_WITHOUT_WORK = [RUNS.name, OUTPUT.name, TELEMETRY.name];

function events(env: string, ...roles: Role[]): string[] {
  return roles.map((role) => `run.${env}.*.*.${role}`);
}

function kv(bucket: BucketName, keys: string): string {
  return `$KV.${bucket}.${keys}`;
}

/** Consumers that live as long as somebody reads, of some subjects alone, or of all. */
function reading(stream: string, filter?: string): string[] {
  const made =
    filter === undefined
      ? [`${API}.CONSUMER.CREATE.${stream}`, `${API}.CONSUMER.CREATE.${stream}.>`]
      : [`${API}.CONSUMER.CREATE.${stream}.*.${filter}`];
  return [...made, `${API}.CONSUMER.MSG.NEXT.${stream}.*`, `${API}.CONSUMER.DELETE.${stream}.*`];
}

/** Durable consumers that are made, changed and asked about. */
function consumersOf(stream: string): string[] {
  return [
    `${API}.CONSUMER.CREATE.${stream}.>`,
    `${API}.CONSUMER.INFO.${stream}.*`,
    `${API}.CONSUMER.MSG.NEXT.${stream}.*`,
  ];
}

function direct(...streams: string[]): string[] {
  return streams.map((stream) => `${API}.DIRECT.GET.${stream}`);
}

/** Reading and watching the whole bucket. */
function reads(bucket: BucketName): string[] {
  const stream = bucketStream(bucket);
  return [`${API}.STREAM.MSG.GET.${stream}`, ...reading(stream)];
}

/** Reading and watching some keys, and no others. */
function confinedReads(bucket: BucketName, keys: string): string[] {
  return [confinedGet(bucket, keys), ...reading(bucketStream(bucket), kv(bucket, keys))];
}

function confinedGet(bucket: BucketName, keys: string): string {
  return `${API}.DIRECT.GET.${bucketStream(bucket)}.${kv(bucket, keys)}`;
}

function payloads(env: string): string[] {
  const stream = objectStream(PAYLOADS);
  const descriptions = `$O.${PAYLOADS}.M.${env}.*`;
  return [
    `$O.${PAYLOADS}.C.${env}.*.*`,
    descriptions,
    `${API}.DIRECT.GET.${stream}.${descriptions}`,
    ...reading(stream, `$O.${PAYLOADS}.C.${env}.*.*`),
  ];
}

/** Also those that were stored without their environment. */
function oldPayloads(): string[] {
  const stream = objectStream(PAYLOADS);
  return [
    `${API}.INFO`,
    `${API}.STREAM.INFO.${stream}`,
    `${API}.STREAM.MSG.GET.${stream}`,
    ...direct(stream),
    ...reading(stream),
    `$JS.FC.${stream}.>`,
  ];
}

/** The broker says where to acknowledge in one of two forms: the second names a domain and an account first. */
function acks(stream: string, consumer: string): string[] {
  return [`$JS.ACK.${stream}.${consumer}.>`, `$JS.ACK.*.*.${stream}.${consumer}.>`];
}
