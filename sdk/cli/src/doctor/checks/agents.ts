/** Agents for those who wait. */
import {
  agentRecordSchema,
  BUCKETS,
  laneOf,
  poolOf,
  type AgentRecord,
  type LiveRun,
} from "@millrace/proto";
import { Bucket } from "@millrace/nats";
import type { BrokerApi } from "../broker-api.ts";
import { ok, type Check } from "../finding.ts";
import type { LiveRuns } from "../live-runs.ts";

export function agentsCheck(api: BrokerApi, runs: LiveRuns): Check {
  return {
    title: "agents",
    isMoving: true,
    look: async () => {
      const agents = await present(api);
      const unserved = new Map<string, number>();
      for (const run of runs)
        if (run.status === "queued" && run.agentId === null && !isServed(run, agents)) {
          const lane = laneName(run);
          unserved.set(lane, (unserved.get(lane) ?? 0) + 1);
        }
      const findings = [...unserved].map(([lane, count]) => ({
        level: "problem" as const,
        says: `none takes ${lane}; waiting: ${count}`,
        advice: "start an agent with this environment, pool and preset",
      }));
      if (findings.length > 0) return findings;
      if (agents.length === 0)
        return [{ level: "warning", says: "there is none", advice: "start one to run tasks" }];
      const draining = agents.filter((agent) => agent.draining).length;
      return [ok(`${agents.length}${draining > 0 ? `, stopping: ${draining}` : ""}`)];
    },
  };
}

async function present(api: BrokerApi): Promise<AgentRecord[]> {
  const agents = new Map<string, AgentRecord>();
  const bucket = await Bucket.open(api.nc, BUCKETS.agents, agentRecordSchema);
  const feed = await bucket.watch(">", ({ key, value }) => {
    if (value) agents.set(key, value);
    else agents.delete(key);
  });
  await feed.stop();
  return [...agents.values()];
}

function isServed({ trigger }: LiveRun, agents: readonly AgentRecord[]): boolean {
  const { env, pool, version, machine, isolation } = trigger;
  const wanted = poolOf(pool, version);
  return agents.some(
    (agent) =>
      agent.env === env &&
      (agent.pool === wanted || poolOf(agent.pool, agent.version) === wanted) &&
      (agent.capacity[laneOf(machine, isolation)] ?? 0) > 0,
  );
}

function laneName({ trigger }: LiveRun): string {
  const { env, pool, version, machine, isolation } = trigger;
  return `${machine} (${isolation}) of pool "${poolOf(pool, version)}" in ${env}`;
}
