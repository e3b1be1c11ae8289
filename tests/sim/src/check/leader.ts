/**
 * P10: what a leader states of the runs of its shard arrives while it leads it, or while nobody else does. (Parents are told
 * of their children, and children cancelled, by the leader of the other run's shard.)
 */
import { BUCKETS, decodeBody, LEASE_KEYS, parseRunSubject } from "@millrace/proto";
import type { Broker } from "../log/broker.ts";
import type { StoredMessage } from "../log/stream.ts";
import { promise } from "./violation.ts";

const OF_ITS_SHARD: ReadonlySet<string> = new Set([
  "slot-granted",
  "attempt-lost",
  "token-completed",
  "run-carried",
]);

/** @throws Violation @param sender of a fact that was stored */
export function checkLeader(
  broker: Broker,
  { subject, headers }: StoredMessage,
  sender: string,
): void {
  const where = parseRunSubject(subject);
  if (where?.role !== "coordinator" || !OF_ITS_SHARD.has(headers["Millrace-Type"] ?? "")) return;
  const key = `$KV.${BUCKETS.leases.name}.${LEASE_KEYS.shard(where.shard)}`;
  const lease = broker.stream(`KV_${BUCKETS.leases.name}`).last(key);
  if (!lease || lease.data.length === 0) return;
  const { holder } = decodeBody(lease.data) as { readonly holder: string };
  promise(
    "P10",
    holder === sender,
    () => `${sender} states a fact of ${where.runId}, which ${holder} leads`,
  );
}
