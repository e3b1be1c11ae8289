/** What an agent offers, from its configuration: presets, lanes, capacity. Pure. */
import {
  DEFAULT_PRESET,
  MACHINE_SIZES,
  PRESETS,
  type AgentRecord,
  type Preset,
} from "@millrace/proto";
import { ConfigError } from "@millrace/service-kit";
import type { AgentConfig, MachineSizes } from "../config.ts";
import { fits, lanesOf, unitsOf, type Lane, type Units } from "./places.ts";

export type Offer = {
  readonly machines: MachineSizes;
  readonly presets: readonly Preset[];
  /** Of which an idle process is kept ready. */
  readonly defaultPreset: Preset;
  readonly total: Units;
  readonly lanes: readonly Lane[];
};

/** @throws ConfigError when a preset that is asked for does not fit, or none does */
export function offerOf(config: AgentConfig): Offer {
  const machines = config.MILLRACE_MACHINES ?? MACHINE_SIZES;
  const cpu = config.MILLRACE_CPUS;
  const memoryGb = config.MILLRACE_MEMORY_GB;
  const total = unitsOf({ cpu, memoryGb });
  const isFitting = (preset: Preset): boolean => fits(total, unitsOf(machines[preset])) >= 1;
  const has = `${cpu} CPUs and ${memoryGb.toFixed(2)} GB (MILLRACE_CPUS, MILLRACE_MEMORY_GB)`;
  const tooBig = config.MILLRACE_PRESETS?.filter((preset) => !isFitting(preset)) ?? [];
  if (tooBig.length > 0)
    throw new ConfigError(`MILLRACE_PRESETS: ${tooBig.join(", ")} does not fit into ${has}`);
  const presets = config.MILLRACE_PRESETS ?? PRESETS.filter(isFitting);
  const [smallest] = presets;
  if (smallest === undefined) throw new ConfigError(`No machine preset fits into ${has}`);
  return {
    machines,
    presets,
    total,
    defaultPreset: presets.includes(DEFAULT_PRESET) ? DEFAULT_PRESET : smallest,
    lanes: lanesOf(presets, machines, total, config.MILLRACE_SHARED_CONCURRENCY),
  };
}

/** How many runs of each lane fit, for the agent's record. */
export function capacityOf(offer: Offer): AgentRecord["capacity"] {
  return Object.fromEntries(offer.lanes.map((lane) => [lane.name, lane.capacity]));
}
