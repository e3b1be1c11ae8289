/** The order of the faults, by the seed: all of them once in a random order, then all of them again in another. */
import type { Random } from "@millrace/harness";
import type { System } from "../system.ts";
import type { Fault, Scenario } from "./fault.ts";
import { FAULTS_OF_CLUSTER, FAULTS_OF_EVERY_BROKER, FULL_DISK } from "./of-broker.ts";
import { FAULTS_OF_SERVICES } from "./of-services.ts";

/** What can be done to this system, of what was asked for. */
export function faultsFor(
  system: Pick<System, "cluster" | "hasSmallDisks">,
  scenarios: readonly Scenario[],
): Fault[] {
  return [
    ...FAULTS_OF_SERVICES,
    ...FAULTS_OF_EVERY_BROKER,
    ...(system.cluster.nodes.length > 1 ? FAULTS_OF_CLUSTER : []),
    ...(system.hasSmallDisks ? [FULL_DISK] : []),
  ].filter(({ scenario }) => scenarios.includes(scenario));
}

/** Every service again and again, its broker now and then. */
export function faultsOfSoak(faults: readonly Fault[]): Fault[] {
  const ofBroker = faults.filter(({ name }) => name.endsWith(" broker"));
  const others = faults.filter((fault) => !ofBroker.includes(fault));
  return [...others, ...others, ...others, ...ofBroker];
}

export function* endlessly(faults: readonly Fault[], random: Random): Generator<Fault, never> {
  if (faults.length === 0) throw new RangeError("There is nothing to be done to this system");
  for (;;) yield* random.shuffled(faults);
}
