import { CONFIG_KEYS, LEASE_KEYS } from "../../registry/installation.ts";
import {
  BUCKETS,
  bucketStream,
  DISPATCH,
  OBJECT_BUCKETS,
  objectStream,
  RUNS,
  SLOTS,
  STREAMS,
  TIMERS,
} from "../streams.ts";
import { kv, reads, type BucketName } from "./buckets.ts";
import { acks, API, consumersOf, direct, events, EVERY_ENVIRONMENT, reading } from "./requests.ts";
import type { Permissions } from "./roles.ts";

/** Leads shards of runs, of every environment; and lays out the broker: nobody else makes or changes a stream. */
export function coordinator(): Partial<Permissions> {
  return {
    publish: [
      ...provisioning(),
      ...events(EVERY_ENVIRONMENT, "coordinator"),
      "slot.*.*.*",
      "dispatch.*.*.*.*",
      "resume.*.*.*.*",
      "timer.*.*.*.*",
      ...reading(RUNS.name),
      ...direct(RUNS.name, DISPATCH.name),
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
  const { name } = OBJECT_BUCKETS.snapshots;
  const stream = objectStream(name);
  return [
    `$O.${name}.>`,
    `${API}.STREAM.MSG.GET.${stream}`,
    `${API}.STREAM.PURGE.${stream}`,
    ...reading(stream),
    `$JS.FC.${stream}.>`,
  ];
}
