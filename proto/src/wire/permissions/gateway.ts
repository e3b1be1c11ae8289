import { CONFIG_KEYS, LEASE_KEYS } from "../../registry/installation.ts";
import { BUCKETS, OUTPUT, RUNS, TELEMETRY } from "../streams.ts";
import { kv, reads, type BucketName } from "./buckets.ts";
import { CLIENTS_WRITE } from "./client.ts";
import { oldPayloads, payloads } from "./payloads.ts";
import { API, direct, events, EVERY_ENVIRONMENT, reading } from "./requests.ts";
import type { Permissions } from "./roles.ts";

/** The door of every environment. It decides by the caller's key what a request may see. */
export function gateway(): Partial<Permissions> {
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
