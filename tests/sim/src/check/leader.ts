/**
 * P10: what a leader states of the runs of its shard arrives while it leads it, or while nobody else does. (Parents are told
 * of their children, and children cancelled, by the leader of the other run's shard. A fact the publisher had to send again
 * may come a second time after its leader has gone: a repetition changes nothing, says SPEC.md, 14.)
 */
import { BUCKETS, decodeBody, LEASE_KEYS, parseRunSubject, RUNS } from "@millrace/proto";
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
export function checkLeader(broker: Broker, message: StoredMessage, sender: string): void {
  const { subject, headers } = message;
  const where = parseRunSubject(subject);
  if (where?.role !== "coordinator" || !OF_ITS_SHARD.has(headers["Millrace-Type"] ?? "")) return;
  const key = `$KV.${BUCKETS.leases.name}.${LEASE_KEYS.shard(where.shard)}`;
  const lease = broker.stream(`KV_${BUCKETS.leases.name}`).last(key);
  if (!lease || lease.data.length === 0) return;
  const { holder } = decodeBody(lease.data) as { readonly holder: string };
  promise(
    "P10",
    holder === sender || isRepetition(broker, message),
    () => `${sender} states a fact of ${where.runId}, which ${holder} leads`,
  );
}

function isRepetition(broker: Broker, { subject, seq, headers, data }: StoredMessage): boolean {
  const type = headers["Millrace-Type"];
  return broker
    .stream(RUNS.name)
    .from(subject, 1)
    .some(
      (other) =>
        other.seq < seq &&
        other.headers["Millrace-Type"] === type &&
        Buffer.compare(other.data, data) === 0,
    );
}
