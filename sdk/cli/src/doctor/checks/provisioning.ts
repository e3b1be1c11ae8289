/** Streams and buckets as they are defined, with a leader and copies that keep up. */
import { DEFAULT_RETENTION_MS, RUNS, STREAMS } from "@millrace/proto";
import { differences, provision, retentionInForce } from "@millrace/service-kit";
import type { BrokerApi } from "../broker-api.ts";
import { ok, some, type Check, type Finding } from "../finding.ts";

export function provisioningCheck(api: BrokerApi): Check {
  return {
    title: "streams and buckets",
    look: async () => {
      const replicas = await api
        .streamInfo(RUNS.name)
        .then(({ config }) => config.num_replicas)
        .catch(() => 1);
      // Whatever it is, it was set.
      const kept = await retentionInForce(api.nc).catch(() => DEFAULT_RETENTION_MS);
      const retentionMs = Number.isFinite(kept) ? kept : DEFAULT_RETENTION_MS;
      const differing = await differences(api.nc, replicas, retentionMs);
      if (differing.length === 0) return [ok("all as they are defined")];
      const says = differing.map(({ stream, fields }) =>
        fields ? `${stream} differs in ${fields.join(", ")}` : `${stream} is missing`,
      );
      return [
        {
          level: "problem",
          says: says.join("; "),
          advice: "a coordinator sets this right when it starts",
          repair: {
            says: "made and updated",
            perform: () => provision(api.nc, replicas, { retentionMs }),
          },
        },
      ];
    },
  };
}

/** On a single node there is nothing to look at. */
export function copiesCheck(api: BrokerApi): Check {
  return {
    title: "copies",
    isMoving: true,
    look: async () => {
      const findings: Finding[] = [];
      const behind: string[] = [];
      for (const { name } of STREAMS) {
        const { cluster } = await api.streamInfo(name);
        if (!cluster) continue;
        if (cluster.leader === undefined)
          findings.push({
            level: "problem",
            says: `${name} has no leader`,
            advice: "too few nodes of the cluster are there: start them again",
          });
        for (const copy of cluster.replicas ?? [])
          if (!copy.current) behind.push(`${name} on ${copy.name}`);
      }
      if (behind.length > 0)
        findings.push({
          level: "warning",
          says: `behind: ${some(behind)}`,
          advice: "is the node there, and its disk fast enough?",
        });
      return findings.length > 0 ? findings : [ok("none is behind")];
    },
  };
}
