/** Docker, as tests use it: whether they shall, whether it answers, and that nothing of theirs stays behind in it. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ContainerRuntimeClient } from "testcontainers";

/** Marks the containers of one test run; its value names the run. */
export const RUN_LABEL = "dev.millrace.test-run";

const RUN = "MILLRACE_TEST_RUN";
const NO_RYUK = "TESTCONTAINERS_RYUK_DISABLED";
const REAPER = join(import.meta.dirname, "../dist/container-reaper.js");

export class NoContainersError extends Error {
  override readonly name = "NoContainersError";
}

/** @throws RangeError for a kind of broker that is not known: a misspelt one must not quietly be the local one */
export function containersAreWanted(env: NodeJS.ProcessEnv = process.env): boolean {
  const kind = env["MILLRACE_TEST_BROKER"] ?? "local";
  if (kind !== "local" && kind !== "container")
    throw new RangeError(`MILLRACE_TEST_BROKER is "${kind}": it may be "local" or "container"`);
  return kind === "container";
}

export function brokerImage(env: NodeJS.ProcessEnv = process.env): string {
  return env["MILLRACE_TEST_BROKER_IMAGE"] ?? "nats:2.15";
}

/** @throws NoContainersError when no Docker answers */
export async function containerRuntime(): Promise<ContainerRuntimeClient> {
  const { getContainerRuntimeClient } = await import("testcontainers");
  try {
    return await getContainerRuntimeClient();
  } catch (error) {
    throw new NoContainersError(`no Docker answers: ${(error as Error).message}`);
  }
}

/** Who removes what is left of a test run whose processes have ended before their containers. */
export type Cleaner = "ryuk" | "millrace";

/**
 * Makes sure that somebody cleans up after this process and those it starts, however they end: Ryuk where its image is
 * there, and a process of our own where it is not, because it cannot be fetched everywhere.
 */
export async function ensureCleaner(runtime: ContainerRuntimeClient): Promise<Cleaner> {
  if (process.env[NO_RYUK] !== "true") {
    const { REAPER_IMAGE } = await import("testcontainers/build/reaper/reaper.js");
    const images = await runtime.container.dockerode.listImages();
    if (images.some(({ RepoTags }) => RepoTags?.includes(REAPER_IMAGE))) return "ryuk";
    process.env[NO_RYUK] = "true";
  }
  process.env[RUN] ??= startReaper();
  return "millrace";
}

/** The labels of a container of this run. */
export function runLabels(): Record<string, string> {
  const run = process.env[RUN];
  return run === undefined ? {} : { [RUN_LABEL]: run };
}

/** It learns of this process's end, even of a `kill -9`, from the pipe between them. */
function startReaper(): string {
  if (!existsSync(REAPER)) throw new Error(`${REAPER} is missing: run "npm run build" first`);
  const run = randomUUID();
  const reaper = spawn(process.execPath, [REAPER, run], {
    detached: true,
    stdio: ["pipe", "ignore", "inherit"],
  });
  reaper.unref();
  (reaper.stdin as unknown as { unref(): void }).unref();
  return run;
}
