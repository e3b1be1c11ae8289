/** Who coordinates and who takes care of time. */
import { BUCKETS, LEASE_KEYS, SHARD_COUNT } from "@millrace/proto";
import { Bucket, leaseRecordSchema, type LeaseRecord } from "@millrace/service-kit";
import type { BrokerApi } from "../broker-api.ts";
import { ok, some, type Check, type Finding } from "../finding.ts";

export function leadersCheck(api: BrokerApi): Check {
  return {
    title: "coordinators and schedulers",
    isMoving: true,
    look: async () => {
      const bucket = await Bucket.open(api.nc, BUCKETS.leases, leaseRecordSchema);
      const shards = Array.from({ length: SHARD_COUNT }, (_, shard) => shard);
      const leases = await Promise.all(
        shards.map(async (shard) => (await bucket.get(LEASE_KEYS.shard(shard)))?.value.holder),
      );
      const orphaned = shards.filter((shard) => leases[shard] === undefined);
      const findings: Finding[] = [];
      if (orphaned.length > 0)
        findings.push({
          level: "problem",
          says: `nobody leads ${orphaned.length} of ${SHARD_COUNT} shards (${some(orphaned.map(String))}): their runs stand still`,
          advice: "start a coordinator, or look into the log of those that run",
        });
      const schedulers = await keysOf(bucket, LEASE_KEYS.scheduler("*"));
      if (schedulers.size === 0)
        findings.push({
          level: "problem",
          says: "there is no scheduler: schedules and timers stand still",
          advice: "start one",
        });
      if (findings.length > 0) return findings;
      const holders = new Set(leases);
      return [
        ok(
          `all ${SHARD_COUNT} shards led; coordinators: ${holders.size}, schedulers: ${schedulers.size}`,
        ),
      ];
    },
  };
}

/** Those that are there: a removed key leaves a marker in the bucket. */
async function keysOf(bucket: Bucket<LeaseRecord>, filter: string): Promise<Set<string>> {
  const keys = new Set<string>();
  const feed = await bucket.watch(filter, ({ key, value }) => {
    if (value) keys.add(key);
    else keys.delete(key);
  });
  await feed.stop();
  return keys;
}
