/** The forms a task may ask for a machine in. */
import { MACHINE_SIZES, PRESETS, presetSchema, type Preset } from "@millrace/proto";

/** A preset, or the least it must have: vCPUs, and memory in GB. */
export type MachineOption =
  | Preset
  | { readonly preset: Preset }
  | { readonly cpu: number; readonly memory: number };

/** The preset asked for, or the smallest that has as much; undefined when there is none. */
export function presetOf(machine: MachineOption): Preset | undefined {
  if (typeof machine === "string") return presetSchema.safeParse(machine).data;
  if ("preset" in machine) return presetSchema.safeParse(machine.preset).data;
  // From small to large.
  return PRESETS.find((preset) => {
    const { cpu, memoryGb } = MACHINE_SIZES[preset];
    return cpu >= machine.cpu && memoryGb >= machine.memory;
  });
}
