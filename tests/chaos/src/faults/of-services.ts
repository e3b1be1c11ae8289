/** Faults of the services' processes. */
import { freezeMs, hold, holdMs, SERVICES, type Fault } from "./fault.ts";

const kills = SERVICES.map((kind): Fault => ({
  scenario: "kill",
  name: `kill ${kind}`,
  strike: async (system, random, pace) => {
    const member = random.pick(system.of(kind));
    await member.kill();
    await hold(holdMs(random, pace));
    await member.start();
    return member.name;
  },
}));

const freezes = SERVICES.map((kind): Fault => ({
  scenario: "freeze",
  name: `freeze ${kind}`,
  strike: async (system, random, pace) => {
    const member = random.pick(system.of(kind));
    member.freeze();
    await hold(freezeMs(random, pace));
    member.thaw();
    return member.name;
  },
}));

/** One after the other is stopped in order, and started again before the next: an upgrade. */
const rolling: Fault = {
  scenario: "rolling",
  name: "rolling restart",
  strike: async (system) => {
    for (const member of system.members) {
      await member.stop();
      await member.start();
      await member.ready();
    }
    for (const node of system.cluster.nodes) {
      await node.stop();
      await node.start();
    }
    return "all services, all nodes";
  },
};

const everything: Fault = {
  scenario: "everything",
  name: "kill everything",
  strike: async (system, random, pace) => {
    await Promise.all([
      ...system.members.map((member) => member.kill()),
      ...system.cluster.nodes.map((node) => node.crash()),
    ]);
    await hold(holdMs(random, pace));
    await Promise.all(system.cluster.nodes.map((node) => node.start()));
    await Promise.all(system.members.map((member) => member.start()));
    return "all processes";
  },
};

export const FAULTS_OF_SERVICES: readonly Fault[] = [...kills, ...freezes, rolling, everything];
