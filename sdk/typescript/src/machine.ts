/** The forms a task may ask for a machine in. */
import { MACHINE_SIZES, PRESETS, presetSchema, type Preset } from "@millrace/proto";

/** A preset, or the least it must have: vCPUs, and memory in GB. */
export type MachineOption =
  | Preset
  | { readonly preset: Preset }
  | { readonly cpu: number; readonly memory: number };

/**
 * The preset asked for, or the smallest that has as much.
 * @throws Error naming the presets
 */
export function presetOf(machine: MachineOption): Preset {
  if (typeof machine !== "string" && "cpu" in machine) return smallestWith(machine);
  const name: unknown = typeof machine === "string" ? machine : machine.preset;
  const preset = presetSchema.safeParse(name);
  if (preset.success) return preset.data;
  throw new Error(`unknown machine ${JSON.stringify(name)}; the presets are ${PRESETS.join(", ")}`);
}

/** Presets are listed from small to large. */
function smallestWith(least: { readonly cpu: number; readonly memory: number }): Preset {
  const preset = PRESETS.find((name) => {
    const { cpu, memoryGb } = MACHINE_SIZES[name];
    return cpu >= least.cpu && memoryGb >= least.memory;
  });
  if (preset) return preset;
  throw new Error(
    `no machine has ${least.cpu} vCPUs and ${least.memory} GB; the presets are ${PRESETS.join(", ")}`,
  );
}
