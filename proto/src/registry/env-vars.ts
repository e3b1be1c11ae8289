import { z } from "zod";
import { timestamp } from "../events/values.ts";
import { boundedToken } from "../wire/tokens.ts";

/** An environment variable of runs; `sealed`: its value, encrypted with the master key. */
export const envVarRecordSchema = z.object({
  name: z.string(),
  sealed: z.string(),
  /** Its value is not shown again. */
  isSecret: z.boolean(),
  updatedAt: timestamp,
});
export type EnvVarRecord = z.infer<typeof envVarRecordSchema>;

export function envVarKey(env: string, name: string): string {
  return `${env}.${boundedToken(name)}`;
}
