/** The services of an installation: where they are, and what they are told. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export type ServiceName = "coordinator" | "scheduler" | "gateway" | "worker-agent";

/** Who must be gone first: the doors, then the hands, then those who record what the hands did. */
export const STOP_ORDER: readonly ServiceName[] = [
  "gateway",
  "worker-agent",
  "coordinator",
  "scheduler",
];

/** The repository's. This file is two folders below `sdk`, as source and built. */
export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

export const DEMO_TASKS_DIR = join(ROOT, "examples", "dependency-audit", "tasks");

export function serviceEntry(name: ServiceName): string {
  return join(ROOT, "services", name, "dist", "main.js");
}

export type ServiceSettings = {
  readonly natsUrl: string;
  readonly healthPort: number;
  readonly gatewayPort: number;
  readonly tasksDir: string;
};

/** How long a stopping agent lets runs finish before it gives them back. */
const DRAIN_MS = 8000;

export function serviceEnvironment(
  name: ServiceName,
  settings: ServiceSettings,
): Readonly<Record<string, string>> {
  const common = {
    MILLRACE_NATS_URL: settings.natsUrl,
    MILLRACE_HEALTH_PORT: String(settings.healthPort),
  };
  switch (name) {
    case "coordinator":
    case "scheduler":
      return common;
    case "gateway":
      return { ...common, MILLRACE_GATEWAY_PORT: String(settings.gatewayPort) };
    case "worker-agent":
      return {
        ...common,
        MILLRACE_ENV: "dev",
        MILLRACE_TASKS_DIR: settings.tasksDir,
        MILLRACE_DRAIN_MS: String(DRAIN_MS),
      };
  }
}
