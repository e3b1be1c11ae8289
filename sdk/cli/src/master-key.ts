/** What secrets in the broker are encrypted with: the same that the services are told. */
import { readFileSync } from "node:fs";
import type { Environment } from "./environment.ts";

/** `MILLRACE_MASTER_KEY`, or what the file of `MILLRACE_MASTER_KEY_FILE` holds; undefined: the broker keeps one. */
export function masterKeysOf(env: Environment): string | undefined {
  const file = env["MILLRACE_MASTER_KEY_FILE"];
  return env["MILLRACE_MASTER_KEY"] || (file ? readFileSync(file, "utf8").trim() : undefined);
}
