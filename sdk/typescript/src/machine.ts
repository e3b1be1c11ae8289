/** The forms a task may ask for a machine in. */
import { machineOf, type Preset } from "@millrace/proto";

/** A preset, or (an older spelling) the least it must have: vCPUs, and memory in GB. */
export type MachineOption =
  | Preset
  | { readonly preset: Preset }
  | { readonly cpu: number; readonly memory: number };

/** The preset asked for, or the smallest that has as much; undefined when there is none. */
export function presetOf(machine: MachineOption): Preset | undefined {
  return machineOf(machine);
}
