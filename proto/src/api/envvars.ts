/** `/api/v1/projects/:ref/envvars/:slug`: the environment variables of an environment's runs. v4's shapes. */
import { z } from "zod";
import { LIMITS } from "./trigger.ts";

const value = z.string().max(LIMITS.envVarLength);

export const createEnvVarBodySchema = z.object({
  name: z.string(),
  value,
  /** Default false. */
  isSecret: z.boolean().optional(),
});

export const updateEnvVarBodySchema = z.object({ value });

export const importEnvVarsBodySchema = z.object({
  variables: z.record(z.string(), value),
  /** Of the environment that a branch came from. */
  parentVariables: z.record(z.string(), value).optional(),
  /** Whether variables that are there already are changed; default false. */
  override: z.boolean().optional(),
  /** Default false. */
  isSecret: z.boolean().optional(),
});

export const changedEnvVarSchema = z.object({ success: z.literal(true) });

export const envVarSchema = z.object({
  name: z.string(),
  /** `<redacted>` where it is a secret. */
  value: z.string(),
  isSecret: z.boolean(),
});
export type EnvVarView = z.infer<typeof envVarSchema>;

export const envVarListSchema = z.array(envVarSchema);

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/;
/** How a run process is told who it is and whom it speaks to. */
const OURS = /^(MILLRACE_|TRIGGER_(API_URL|SECRET_KEY|ACCESS_TOKEN)$)/;

/** What is wrong with a variable's name; undefined: nothing. */
export function envVarNameProblem(name: string): string | undefined {
  if (!NAME.test(name))
    return `"${name}" is no name of a variable: letters, digits and _, at most 255, no digit first`;
  return OURS.test(name) ? `"${name}" is set by the platform` : undefined;
}
