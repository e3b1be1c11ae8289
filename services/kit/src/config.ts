/** A service's configuration: one zod schema, read once, every problem reported at once, frozen. */
import { readFileSync } from "node:fs";
import { z } from "zod";

/** Environment variables, as data. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What every service reads. */
export const baseConfigSchema = z.object({
  /** Nodes of the broker, separated by commas. */
  MILLRACE_NATS_URL: z.string().min(1).default("nats://127.0.0.1:4222"),
  /** A `.creds` file. One of this, an NKey, and a user with a password; or none. */
  MILLRACE_NATS_CREDENTIALS: z.string().optional(),
  MILLRACE_NATS_NKEY: z.string().optional(),
  MILLRACE_NATS_USER: z.string().optional(),
  MILLRACE_NATS_PASSWORD: z.string().optional(),
  MILLRACE_NATS_INBOX_PREFIX: z.string().optional(),
  /** Files, PEM. */
  MILLRACE_NATS_TLS_CA: z.string().optional(),
  MILLRACE_NATS_TLS_CERT: z.string().optional(),
  MILLRACE_NATS_TLS_KEY: z.string().optional(),
  MILLRACE_LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error"]).default("info"),
  /** Where `/healthz` and `/readyz` are served; 0 picks a free port, -1 serves nothing. */
  MILLRACE_HEALTH_PORT: z.coerce.number().int().min(-1).max(65_535).default(-1),
  MILLRACE_HEALTH_HOST: z.string().default("127.0.0.1"),
});
export type BaseConfig = z.infer<typeof baseConfigSchema>;

/** Names every problem, and the variable it is in. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/**
 * Reads a configuration. `NAME_FILE` names a file that holds the value of `NAME` (secrets); `NAME` itself wins.
 * @throws ConfigError with every problem, a line each
 */
export function readConfig<T extends z.ZodObject>(schema: T, env: Environment): z.infer<T> {
  const values: Record<string, string> = {};
  const problems: string[] = [];
  for (const name of Object.keys(schema.shape)) {
    const value = env[name];
    const file = env[`${name}_FILE`];
    if (value !== undefined && value !== "") values[name] = value;
    else if (file !== undefined && file !== "")
      try {
        values[name] = readFileSync(file, "utf8").trim();
      } catch (error) {
        problems.push(`${name}_FILE: ${error instanceof Error ? error.message : String(error)}`);
      }
  }
  const parsed = schema.safeParse(values);
  if (!parsed.success)
    for (const issue of parsed.error.issues)
      problems.push(`${issue.path.join(".")}: ${issue.message}`);
  if (problems.length > 0 || !parsed.success)
    throw new ConfigError(`The configuration is not usable:\n  ${problems.join("\n  ")}`);
  return Object.freeze(parsed.data) as z.infer<T>;
}
