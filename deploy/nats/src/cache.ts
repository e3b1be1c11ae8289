import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "./environment.ts";
import { EXECUTABLE_NAME } from "./environment.ts";
import { inspectBinary, type Inspection } from "./binary.ts";
import { compareVersions } from "./version.ts";

const ENTRY = /^nats-server-(\d.*)$/;
const WORK_PREFIX = ".fetch-";
/** No fetch takes this long, so an older work directory belongs to a process that was killed. */
const ABANDONED_AFTER_MS = 60 * 60 * 1000;

/** The newest server in the cache that runs here. */
export async function newestCached(cacheDir: string, env: Environment): Promise<Inspection> {
  const versions = (await namesIn(cacheDir))
    .map((name) => ENTRY.exec(name)?.[1])
    .filter((version) => version !== undefined)
    .toSorted((a, b) => compareVersions(b, a));
  const reasons: string[] = [];
  for (const version of versions) {
    const inspection = await inspectBinary(entryPath(cacheDir, version), env);
    if (inspection.status === "usable") return inspection;
    reasons.push(inspection.reason);
  }
  return {
    status: "unusable",
    reason: reasons.length === 0 ? `nothing in ${cacheDir}` : reasons.join("\n"),
  };
}

/**
 * Moves a fetched binary into its place. The rename is atomic, so a reader sees the whole file or none,
 * and two processes that fetched the same version at once both end with a good one.
 */
export async function adopt(cacheDir: string, version: string, fetched: string): Promise<string> {
  const target = entryPath(cacheDir, version);
  await mkdir(join(cacheDir, `nats-server-${version}`), { recursive: true });
  await chmod(fetched, 0o755);
  try {
    await rename(fetched, target);
  } catch (error) {
    // Windows refuses to replace a program that runs: another process was first with the same version.
    if (await stat(target).catch(() => undefined)) return target;
    throw error;
  }
  return target;
}

/**
 * Lends a private directory inside the cache, so that moving out of it into the cache is a rename on
 * one file system. It is removed afterwards, and so are those that killed processes left.
 */
export async function withWorkDir<T>(
  cacheDir: string,
  work: (dir: string) => Promise<T>,
): Promise<T> {
  await mkdir(cacheDir, { recursive: true });
  await removeAbandoned(cacheDir);
  const dir = await mkdtemp(join(cacheDir, WORK_PREFIX));
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function removeAbandoned(cacheDir: string): Promise<void> {
  for (const name of await namesIn(cacheDir)) {
    if (!name.startsWith(WORK_PREFIX)) continue;
    const path = join(cacheDir, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > ABANDONED_AFTER_MS) {
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
    }
  }
}

function entryPath(cacheDir: string, version: string): string {
  return join(cacheDir, `nats-server-${version}`, EXECUTABLE_NAME);
}

async function namesIn(dir: string): Promise<readonly string[]> {
  return readdir(dir).catch(() => []);
}
