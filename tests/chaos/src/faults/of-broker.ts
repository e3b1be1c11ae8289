/** Faults of the broker: of its one node, or of one of a cluster. */
import type { BrokerNode, Random } from "@millrace/harness";
import { STREAMS } from "@millrace/proto";
import type { System } from "../system.ts";
import { hold, holdMs, type Fault } from "./fault.ts";

function someNode(system: System, random: Random): BrokerNode {
  return random.pick(system.cluster.nodes);
}

export const FAULTS_OF_EVERY_BROKER: readonly Fault[] = [
  {
    scenario: "kill",
    name: "kill broker",
    strike: async (system, random, pace) => {
      const node = someNode(system, random);
      await node.crash();
      await hold(holdMs(random, pace));
      await node.start();
      return node.name;
    },
  },
  {
    scenario: "freeze",
    name: "freeze broker",
    strike: async (system, random, pace) => {
      const node = someNode(system, random);
      await node.freeze();
      await hold(holdMs(random, pace));
      await node.thaw();
      return node.name;
    },
  },
];

/** A server that met a full disk keeps away from its streams until it is started again. */
export const FULL_DISK: Fault = {
  scenario: "disk",
  name: "disk full",
  strike: async (system, random, pace) => {
    const node = someNode(system, random);
    node.fillDisk();
    await hold(holdMs(random, pace));
    node.freeDisk();
    await node.stop();
    await node.start();
    return node.name;
  },
};

export const FAULTS_OF_CLUSTER: readonly Fault[] = [
  ...(["cut", "silent"] as const).map((how): Fault => ({
    scenario: "partition",
    name: `partition (${how})`,
    strike: async (system, random, pace) => {
      const index = random.between(0, system.cluster.nodes.length - 1);
      system.cluster.isolate(index, how);
      await hold(holdMs(random, pace));
      system.cluster.rejoin(index);
      return system.cluster.node(index).name;
    },
  })),
  {
    scenario: "step-down",
    name: "leader steps down",
    strike: async (system, random) => {
      const streams = STREAMS.map(({ name }) => name);
      const chosen = random.pick(["RUNS", "RUNS", "RUNS", ...streams, "KV_leases", "KV_agents"]);
      const isMeta = random.between(1, 5) === 1;
      await system.cluster.stepDown(isMeta ? "meta" : { stream: chosen });
      return isMeta ? "meta" : chosen;
    },
  },
];
