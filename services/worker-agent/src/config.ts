/** What an agent is told: which tasks it serves, what it may use of its machine, and how patient it is. */
import { availableParallelism, tmpdir, totalmem } from "node:os";
import {
  branchEnvironment,
  branchProblem,
  MACHINE_SIZES,
  PRESETS,
  PREVIEW,
  presetSchema,
  type MachineSize,
  type Preset,
} from "@millrace/proto";
import { baseConfigSchema } from "@millrace/service-kit";
import { z } from "zod";

const GB = 1024 ** 3;

export type MachineSizes = Readonly<Record<Preset, MachineSize>>;

/** Sizes that replace the presets' own, as JSON: `{"small-1x":{"cpu":0.25}}`. */
const machines = z.string().transform((text, context): MachineSizes => {
  try {
    const overrides = z
      .partialRecord(
        presetSchema,
        z.object({ cpu: z.number().positive(), memoryGb: z.number().positive() }).partial(),
      )
      .parse(JSON.parse(text));
    const sizes: Record<Preset, MachineSize> = { ...MACHINE_SIZES };
    for (const preset of PRESETS) {
      const { cpu = sizes[preset].cpu, memoryGb = sizes[preset].memoryGb } =
        overrides[preset] ?? {};
      sizes[preset] = { cpu, memoryGb };
    }
    return sizes;
  } catch (error) {
    context.addIssue(`not a JSON object of preset sizes: ${String(error)}`);
    return z.NEVER;
  }
});

const presets = z.string().transform((text, context): readonly Preset[] => {
  const parsed = z.array(presetSchema).safeParse(text.split(",").map((name) => name.trim()));
  if (parsed.success) return [...new Set(parsed.data)];
  context.addIssue(`not a list of presets; the presets are ${PRESETS.join(", ")}`);
  return z.NEVER;
});

const milliseconds = z.coerce.number().int().nonnegative();

const settings = baseConfigSchema.extend({
  /** One token of every subject: letters, digits, `_` and `-`. */
  MILLRACE_ENV: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/)
    .default("dev"),
  /** The preview branch whose runs it takes, with `MILLRACE_ENV=preview`. */
  MILLRACE_BRANCH: z.string().optional(),
  MILLRACE_POOL: z.string().min(1).max(64).default("default"),
  /** The folder of the task files. Default: those the configuration names. */
  MILLRACE_TASKS_DIR: z.string().min(1).optional(),
  /**
   * The file that calls `defineConfig()`. Default: `millrace.config` or `trigger.config` (.ts, .mts, .js, .mjs) in the
   * folder of the task files or above it, within its package.
   */
  MILLRACE_CONFIG: z.string().min(1).optional(),
  /** The version of the tasks: this agent also takes the runs that are locked to it. */
  MILLRACE_VERSION: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/)
    .optional(),
  /** Presets to serve, separated by commas. Default: every preset that fits this agent's CPUs and memory. */
  MILLRACE_PRESETS: presets.optional(),
  MILLRACE_CPUS: z.coerce.number().positive().default(availableParallelism()),
  MILLRACE_MEMORY_GB: z.coerce
    .number()
    .positive()
    .default((0.8 * totalmem()) / GB),
  MILLRACE_MACHINES: machines.optional(),
  /** What the variables of its runs are encrypted with; see the gateway's. */
  MILLRACE_MASTER_KEY: z.string().min(1).optional(),
  /** How many runs share one process at once. */
  MILLRACE_SHARED_CONCURRENCY: z.coerce.number().int().positive().default(100),
  /** How long a stopping agent lets runs finish before it gives them back. */
  MILLRACE_DRAIN_MS: milliseconds.default(30_000),
  /** How long cancelled code and its hooks may take to end before their process is killed. */
  MILLRACE_CANCEL_GRACE_MS: milliseconds.default(10_000),
  /**
   * How many waiting runs may keep their process. One more, and the longest waiting one is given back: it goes on
   * later in another process, answered from its log. Default: one for every 128 MB of the agent's memory.
   */
  MILLRACE_MAX_WAITING: z.coerce.number().int().positive().optional(),
  /** Where bundles and the socket of the run processes are kept while the agent lives. */
  MILLRACE_BUNDLE_DIR: z.string().min(1).default(tmpdir()),
  /** A cgroup (version 1 `memory`, or version 2) delegated to this agent: run processes get their preset's limit. */
  MILLRACE_CGROUP_DIR: z.string().min(1).optional(),
});

/** From here on a branch is an environment like any other. */
export const configSchema = settings
  .refine(
    (config) => config.MILLRACE_TASKS_DIR !== undefined || config.MILLRACE_CONFIG !== undefined,
    { path: ["MILLRACE_TASKS_DIR"], message: "name the folder of the tasks, or MILLRACE_CONFIG" },
  )
  .superRefine(({ MILLRACE_ENV: env, MILLRACE_BRANCH: branch }, context) => {
    const problem = agentBranchProblem(env, branch);
    if (problem !== undefined)
      context.addIssue({ code: "custom", path: ["MILLRACE_BRANCH"], message: problem });
  })
  .overwrite((config) => ({
    ...config,
    MILLRACE_ENV: config.MILLRACE_BRANCH
      ? branchEnvironment(config.MILLRACE_BRANCH)
      : config.MILLRACE_ENV,
  }));
export type AgentConfig = z.infer<typeof configSchema>;

function agentBranchProblem(env: string, branch: string | undefined): string | undefined {
  if (env !== PREVIEW) return branch ? `is for MILLRACE_ENV=${PREVIEW}` : undefined;
  return branch ? branchProblem(branch) : `name the branch: ${PREVIEW} is an environment for each`;
}

/** How many waiting runs keep their process when the configuration does not say. */
export function maxWaiting(config: AgentConfig): number {
  return config.MILLRACE_MAX_WAITING ?? Math.max(1, Math.floor(config.MILLRACE_MEMORY_GB * 8));
}
