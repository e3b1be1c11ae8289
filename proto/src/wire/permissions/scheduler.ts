import { LEASE_KEYS } from "../../registry/installation.ts";
import { BUCKETS, DUE_CONSUMER, RUNS, TIMERS } from "../streams.ts";
import { ARMED_TIMERS } from "../subjects.ts";
import { kv, reads, type BucketName } from "./buckets.ts";
import { acks, API, direct, events, EVERY_ENVIRONMENT } from "./requests.ts";
import type { Permissions } from "./roles.ts";

/** Owns time, of every environment: fires timers, and triggers what schedules say. */
export function scheduler(): Partial<Permissions> {
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
