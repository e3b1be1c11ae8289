import { BUCKETS, OUTPUT, RUNS } from "../streams.ts";
import { confinedReads, kv, type BucketName } from "./buckets.ts";
import { payloads } from "./payloads.ts";
import { events, reading } from "./requests.ts";
import type { Permissions } from "./roles.ts";

/** An app of one environment. It triggers runs and follows them; what happens to a run is for others to say. */
export function client(env: string): Partial<Permissions> {
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

export const CLIENTS_WRITE: readonly BucketName[] = [
  BUCKETS.queues.name,
  BUCKETS.idempotency.name,
  BUCKETS.debounce.name,
  BUCKETS.waitpoints.name,
  BUCKETS.schedules.name,
  BUCKETS.batches.name,
];
const CLIENTS_READ: readonly BucketName[] = [BUCKETS.tasks.name, ...CLIENTS_WRITE];
