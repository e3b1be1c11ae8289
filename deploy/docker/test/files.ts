/** The files of the deployment, and what the services read: nothing here needs Docker. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { coordinatorConfigSchema } from "../../../services/coordinator/src/config.ts";
import { gatewayConfigSchema } from "../../../services/gateway/src/config.ts";
import { baseConfigSchema } from "../../../services/kit/src/config.ts";
import { configSchema as agentConfigSchema } from "../../../services/worker-agent/src/config.ts";

export const ROOT = join(import.meta.dirname, "../../..");

export function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

export function yaml<T>(path: string): T {
  return parse(read(path), { merge: true }) as T;
}

export function filesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`);
}

/** What each service reads of its environment. */
export const VARIABLES: Readonly<Record<string, ReadonlySet<string>>> = {
  coordinator: new Set(Object.keys(coordinatorConfigSchema.shape)),
  scheduler: new Set(Object.keys(baseConfigSchema.shape)),
  gateway: new Set(Object.keys(gatewayConfigSchema.shape)),
  "worker-agent": new Set(Object.keys(agentConfigSchema.shape)),
  keys: new Set([
    ...Object.keys(baseConfigSchema.shape),
    "MILLRACE_MASTER_KEY",
    "MILLRACE_SECRET_KEY",
  ]),
};

/** The variables that are none of the service's: it would not read them. `NAME_FILE` gives `NAME`. */
export function unknownVariables(service: string, names: readonly string[]): string[] {
  const known = VARIABLES[service] ?? new Set();
  return names.filter(
    (name) =>
      name.startsWith("MILLRACE_") && !known.has(name) && !known.has(name.replace(/_FILE$/, "")),
  );
}
