/**
 * Streams, consumers and buckets as data. Provisioning turns these into broker objects; nothing else creates them.
 * Durations are nanoseconds where the broker's API has them so (`…Ns`), milliseconds elsewhere.
 */
import { dispatchFilter, signalFilter, slotFilter, type Gate } from "./subjects.ts";
import { fnv1a } from "./ids.ts";
import { encodeToken } from "./tokens.ts";

const SECOND_NS = 1_000_000_000;
const HOUR_NS = 3600 * SECOND_NS;
const DAY_NS = 24 * HOUR_NS;

/** A stream in the broker's own vocabulary (JetStream API field names). */
export type StreamDefinition = {
  readonly name: string;
  readonly description: string;
  readonly subjects: readonly string[];
  readonly retention: "limits" | "workqueue";
  readonly discard: "old" | "new";
  readonly discard_new_per_subject?: boolean;
  readonly max_msgs_per_subject?: number;
  readonly max_age: number;
  readonly max_bytes?: number;
  readonly allow_direct: boolean;
  readonly allow_msg_schedules?: boolean;
  readonly allow_rollup_hdrs?: boolean;
  readonly allow_msg_ttl?: boolean;
  readonly duplicate_window: number;
  readonly max_consumers: number;
};

/** At most one message a subject, further ones refused (error 10077) until it is acknowledged. */
const onePerSubject = {
  retention: "workqueue",
  discard: "new",
  discard_new_per_subject: true,
  max_msgs_per_subject: 1,
  allow_direct: true,
  duplicate_window: SECOND_NS,
} as const;

export const RUNS: StreamDefinition = {
  name: "RUNS",
  description: "The event log: every fact about every run",
  subjects: ["run.*.*.*.*"],
  retention: "limits",
  discard: "old",
  // Unless the installation says otherwise: see `retention.ts`.
  max_age: 30 * DAY_NS,
  allow_direct: true,
  duplicate_window: 120 * SECOND_NS,
  max_consumers: 1000,
};

export const SLOTS: StreamDefinition = {
  name: "SLOTS",
  description: "Requests for concurrency slots; a delivered, unacknowledged one is a held slot",
  subjects: ["slot.*.*.*"],
  ...onePerSubject,
  max_age: 0,
  max_consumers: 20_000,
};

export const DISPATCH: StreamDefinition = {
  name: "DISPATCH",
  description: "Runs ready for an agent, at most once each",
  subjects: ["dispatch.*.*.*.*"],
  ...onePerSubject,
  max_age: 0,
  max_consumers: 10_000,
};

export const RESUME: StreamDefinition = {
  name: "RESUME",
  description: "What a living agent must be told about a run it holds",
  subjects: ["resume.*.*.*.*"],
  ...onePerSubject,
  max_age: HOUR_NS,
  max_consumers: 10_000,
};

export const TIMERS: StreamDefinition = {
  name: "TIMERS",
  description: "Durable timers, armed in the broker as message schedules",
  subjects: ["timer.*.*.*.*", "due.*.*.*.*"],
  retention: "workqueue",
  discard: "old",
  max_age: 0,
  allow_direct: true,
  allow_msg_schedules: true,
  allow_rollup_hdrs: true,
  allow_msg_ttl: true,
  duplicate_window: SECOND_NS,
  max_consumers: 100,
};

export const OUTPUT: StreamDefinition = {
  name: "OUTPUT",
  description: "Realtime stream chunks of runs",
  subjects: ["out.*.*.*"],
  retention: "limits",
  discard: "old",
  max_age: DAY_NS,
  allow_direct: true,
  duplicate_window: 120 * SECOND_NS,
  max_consumers: 1000,
};

export const TELEMETRY: StreamDefinition = {
  name: "TELEMETRY",
  description: "Logs and spans of runs",
  subjects: ["otel.*.*"],
  retention: "limits",
  discard: "old",
  max_age: 3 * DAY_NS,
  max_bytes: 1024 * 1024 * 1024,
  allow_direct: true,
  duplicate_window: SECOND_NS,
  max_consumers: 1000,
};

export const STREAMS: readonly StreamDefinition[] = [
  RUNS,
  SLOTS,
  DISPATCH,
  RESUME,
  TIMERS,
  OUTPUT,
  TELEMETRY,
];

/**
 * A key-value bucket. With `ttlMs` a key disappears that long after its last write, and watchers are told. With `keyTtl`
 * every write may say how long its key lives.
 */
export type BucketDefinition = {
  readonly name: string;
  readonly description: string;
  readonly ttlMs?: number;
  readonly keyTtl?: true;
  /** Its keys disappear when their age is that of the log: see `retention.ts`. */
  readonly keptAsRuns?: true;
};

/** An agent or coordinator that has not renewed its presence for this long is gone. */
export const PRESENCE_TTL_MS = 15_000;
/** A shard's lease. A leader that was killed is replaced after this long. */
export const LEASE_TTL_MS = 8_000;

export const BUCKETS = {
  agents: { name: "agents", description: "Presence of agents", ttlMs: PRESENCE_TTL_MS },
  leases: { name: "leases", description: "Who leads which shard", ttlMs: LEASE_TTL_MS },
  tasks: { name: "tasks", description: "Tasks the agents serve" },
  queues: { name: "queues", description: "Queues: limits, overrides, paused" },
  idempotency: {
    name: "idempotency",
    description: "Which run an idempotency key stands for",
    keyTtl: true,
  },
  debounce: {
    name: "debounce",
    description: "Which delayed run a debounce key stands for",
    keyTtl: true,
  },
  waitpoints: { name: "waitpoints", description: "Tokens runs wait for", keyTtl: true },
  schedules: { name: "schedules", description: "Cron schedules" },
  batches: { name: "batches", description: "Which runs a batch made", keptAsRuns: true },
  bulk: {
    name: "bulk",
    description: "Bulk actions: what they do, and how far they are",
    keptAsRuns: true,
  },
  keys: { name: "keys", description: "API keys: their hashes, and themselves encrypted" },
  envvars: { name: "envvars", description: "Environment variables of runs, encrypted" },
  usedTokens: { name: "used-tokens", description: "One-time tokens that were used", keyTtl: true },
  config: { name: "config", description: "What was fixed at bootstrap" },
} as const satisfies Record<string, BucketDefinition>;

/** Object buckets. How long payloads are kept comes from how long runs are. */
export const OBJECT_BUCKETS = {
  payloads: { name: "payloads", description: "Payloads and outputs too large for an event" },
  snapshots: { name: "snapshots", description: "Folded state of shards" },
} as const;

/** The stream that holds a key-value bucket. */
export function bucketStream(bucket: string): string {
  return `KV_${bucket}`;
}

/** The stream that holds an object bucket. */
export function objectStream(bucket: string): string {
  return `OBJ_${bucket}`;
}

/** A pull consumer in the broker's own vocabulary. */
export type ConsumerDefinition = {
  readonly stream: string;
  readonly durable_name: string;
  readonly filter_subject: string;
  readonly ack_wait: number;
  readonly max_ack_pending: number;
  readonly inactive_threshold?: number;
};

/**
 * How long a slot stays held without its coordinator extending it. A run's slot that is delivered again is recognised
 * and kept, so the lease may be short: it bounds how long a slot is lost that was delivered to a coordinator which died
 * before granting it.
 */
export const SLOT_LEASE_MS = 10_000;

/** Consumer names may have 255 characters; a longer token keeps its beginning and gets a hash of the whole. */
const NAME_PART_MAX = 100;

function namePart(name: string): string {
  const token = encodeToken(name);
  if (token.length <= NAME_PART_MAX) return token;
  const hash = fnv1a(token).toString(36) + fnv1a(`again ${token}`).toString(36);
  return `${token.slice(0, NAME_PART_MAX)}_${hash}`;
}

/** The gate's consumer: its `max_ack_pending` is the queue's concurrency limit. */
export function slotConsumer(gate: Gate, limit: number): ConsumerDefinition {
  return {
    stream: SLOTS.name,
    durable_name: `gate-${gate.env}-${namePart(gate.queue)}`,
    filter_subject: slotFilter(gate),
    ack_wait: SLOT_LEASE_MS * 1e6,
    max_ack_pending: limit,
  };
}

/** One lane of one pool, shared by every agent that serves it. */
export function dispatchConsumer(env: string, pool: string, lane: string): ConsumerDefinition {
  return {
    stream: DISPATCH.name,
    durable_name: `lane-${env}-${namePart(pool)}-${lane}`,
    filter_subject: dispatchFilter(env, pool, lane),
    ack_wait: 10 * SECOND_NS,
    max_ack_pending: -1,
  };
}

/** An agent's own; the broker removes it an hour after the agent stopped pulling. */
export function signalConsumer(env: string, agentId: string): ConsumerDefinition {
  return {
    stream: RESUME.name,
    durable_name: `agent-${agentId}`,
    filter_subject: signalFilter(env, agentId),
    ack_wait: 5 * SECOND_NS,
    max_ack_pending: -1,
    inactive_threshold: HOUR_NS,
  };
}

/** Due timers, shared by every scheduler. */
export const DUE_CONSUMER: ConsumerDefinition = {
  stream: TIMERS.name,
  durable_name: "due",
  filter_subject: "due.>",
  ack_wait: 5 * SECOND_NS,
  max_ack_pending: 10_000,
};
