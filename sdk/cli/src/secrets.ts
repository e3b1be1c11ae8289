/** Secrets, each given as a variable or as the name of a file. */
import { readFileSync } from "node:fs";
import type { Environment } from "./environment.ts";

/** What secrets in the broker are encrypted with: the same that the services are told. Undefined: the broker keeps one. */
export function masterKeysOf(env: Environment): string | undefined {
  return secretOf("MILLRACE_MASTER_KEY", env);
}

/** The environment's key; undefined when none is given. */
export function secretKeyOf(env: Environment): string | undefined {
  return secretOf("MILLRACE_SECRET_KEY", env);
}

/** What `name` holds, or else the file that `name`_FILE names. */
function secretOf(name: string, env: Environment): string | undefined {
  const file = env[`${name}_FILE`];
  return env[name] || (file ? readFileSync(file, "utf8").trim() : undefined);
}
