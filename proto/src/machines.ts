/** Machine presets: what a run may ask for, and what agents advertise. Sizes are Trigger.dev v4's. */
import { z } from "zod";

export const PRESETS = [
  "micro",
  "small-1x",
  "small-2x",
  "medium-1x",
  "medium-2x",
  "large-1x",
  "large-2x",
] as const;

export type Preset = (typeof PRESETS)[number];

export const presetSchema = z.enum(PRESETS);

/** vCPUs, and memory in GB. */
export type MachineSize = { readonly cpu: number; readonly memoryGb: number };

export const DEFAULT_PRESET: Preset = "small-1x";

export const MACHINE_SIZES: Readonly<Record<Preset, MachineSize>> = {
  micro: { cpu: 0.25, memoryGb: 0.25 },
  "small-1x": { cpu: 0.5, memoryGb: 0.5 },
  "small-2x": { cpu: 1, memoryGb: 1 },
  "medium-1x": { cpu: 1, memoryGb: 2 },
  "medium-2x": { cpu: 2, memoryGb: 4 },
  "large-1x": { cpu: 4, memoryGb: 8 },
  "large-2x": { cpu: 8, memoryGb: 16 },
};

/** As users write machines: a preset's name, or, in older spellings, `{ preset }` or what the code needs. */
export type MachineOption =
  | string
  | { readonly preset: string }
  | { readonly cpu?: number | undefined; readonly memory?: number | undefined };

/** The preset that is meant: for a size, the smallest one that has it. Undefined when there is none, or no size. */
export function machineOf(option: MachineOption): Preset | undefined {
  if (typeof option === "string" || "preset" in option) {
    const name = typeof option === "string" ? option : option.preset;
    return presetSchema.safeParse(name).data;
  }
  const { cpu, memory } = option;
  if ((cpu ?? memory) === undefined) return undefined;
  if ([cpu, memory].some((size) => size !== undefined && !(size > 0))) return undefined;
  return PRESETS.find((preset) => {
    const has = MACHINE_SIZES[preset];
    return has.cpu >= (cpu ?? 0) && has.memoryGb >= (memory ?? 0);
  });
}

/** `process`: one run at a time in a process of its own. `shared`: many light runs in one process. */
export const isolationSchema = z.enum(["process", "shared"]);
export type Isolation = z.infer<typeof isolationSchema>;

/** What an agent pulls from: `small-1x`, or `small-1x-shared` for runs that share a process. */
export function laneOf(preset: Preset, isolation: Isolation): string {
  return isolation === "shared" ? `${preset}-shared` : preset;
}
