import { isAbsolute, resolve } from "node:path";
import type { Environment } from "./environment.ts";
import { lastLines, runCommand } from "./run-command.ts";
import { isVersionAtLeast, MINIMUM_NATS_VERSION, parseVersionOutput } from "./version.ts";

/** A nats-server that was run on this machine and is new enough. `source` says how it was come by. */
export type NatsServerBinary = {
  readonly path: string;
  readonly version: string;
  readonly source: "env" | "path" | "cache" | "release" | "debian";
};

export type Inspection =
  | { readonly status: "usable"; readonly path: string; readonly version: string }
  | { readonly status: "unusable"; readonly reason: string };

/** Generous: the first run of a fresh file may wait for a virus scanner or a cold disk. */
const VERSION_TIMEOUT_MS = 15_000;

/**
 * Asks the program for its version. Running it is the only check that also finds a binary built for
 * another machine or another C library.
 */
export async function inspectBinary(path: string, env: Environment): Promise<Inspection> {
  const absolute = isAbsolute(path) ? path : resolve(path);
  const outcome = await runCommand(absolute, ["-v"], { env, timeoutMs: VERSION_TIMEOUT_MS });
  if (outcome.status === "failed") {
    const said = lastLines(outcome.output, 2);
    return {
      status: "unusable",
      reason: `${absolute} ${outcome.reason}${said === "" ? "" : `: ${said}`}`,
    };
  }
  const version = parseVersionOutput(outcome.output);
  if (version === undefined) {
    return {
      status: "unusable",
      reason: `${absolute} does not answer "-v" with the version of a nats-server`,
    };
  }
  if (!isVersionAtLeast(version, MINIMUM_NATS_VERSION)) {
    return {
      status: "unusable",
      reason: `${absolute} is version ${version}, older than ${MINIMUM_NATS_VERSION}`,
    };
  }
  return { status: "usable", path: absolute, version };
}
