import { resolve } from "node:path";
import { inspectBinary, type Inspection, type NatsServerBinary } from "./binary.ts";
import { newestCached } from "./cache.ts";
import { fetchDebianPackage } from "./debian/fetch-package.ts";
import { defaultCacheDir, type Environment } from "./environment.ts";
import { BrokerNotFoundError, type FailedWay } from "./errors.ts";
import { type FetchContext, type Fetched, fetchIntoCache } from "./fetched.ts";
import { firstOnPath } from "./on-path.ts";
import { fetchRelease } from "./release/fetch-release.ts";
import { NATS_RELEASE } from "./release/release-asset.ts";

export type FindOptions = {
  /** The environment variables to look at, usually the process's own. */
  readonly env: Environment;
  /** Where fetched servers are kept. Default: `$XDG_CACHE_HOME/millrace` or `~/.cache/millrace`. */
  readonly cacheDir?: string | undefined;
  /** Told, in whole sentences, about anything slow or worth knowing. Default: nobody. */
  readonly log?: ((line: string) => void) | undefined;
};

/** A way that takes the machine's network, and what is fetched by it. */
type FetchWay = {
  readonly name: string;
  readonly source: "release" | "debian";
  readonly fetchInto: (workDir: string, context: FetchContext) => Promise<Fetched>;
};

const FETCH_WAYS: readonly FetchWay[] = [
  {
    name: `the NATS project's release ${NATS_RELEASE.version}`,
    source: "release",
    fetchInto: (workDir, context) => fetchRelease(NATS_RELEASE, workDir, context),
  },
  {
    name: "Debian's package",
    source: "debian",
    fetchInto: fetchDebianPackage,
  },
];

/**
 * Gives a nats-server that runs here and is at least `MINIMUM_NATS_VERSION`: the one the user named,
 * else one that is installed, else one fetched before, else it fetches one into the cache. Safe to call
 * from several processes at once.
 *
 * A path in `MILLRACE_NATS_SERVER` is the user's decision: if it cannot be used that is an error, and
 * nothing else is tried.
 *
 * @throws BrokerNotFoundError naming every way tried and what the user may do
 */
export async function findNatsServer(options: FindOptions): Promise<NatsServerBinary> {
  const { env } = options;
  const log = options.log ?? (() => undefined);
  const cacheDir = resolve(options.cacheDir ?? defaultCacheDir(env));
  const tried: FailedWay[] = [];

  const named = await inspectNamed(env);
  if (named.status === "usable") return { ...withoutStatus(named), source: "env" };
  tried.push({ way: "MILLRACE_NATS_SERVER", reason: named.reason });

  const installed = await firstOnPath(env);
  if (installed.status === "usable") return { ...withoutStatus(installed), source: "path" };
  tried.push({ way: "PATH", reason: installed.reason });

  const cached = await newestCached(cacheDir, env);
  if (cached.status === "usable") return { ...withoutStatus(cached), source: "cache" };
  tried.push({ way: "cache", reason: cached.reason });

  log(`No usable nats-server on this machine (PATH: ${installed.reason}); fetching one, once.`);
  for (const { name, source, fetchInto } of FETCH_WAYS) {
    const fetched = await fetchIntoCache(cacheDir, (dir) => fetchInto(dir, { env, log }));
    if (fetched.status === "fetched") {
      log(`Fetched nats-server ${fetched.version} from ${name} to ${fetched.path}.`);
      return { path: fetched.path, version: fetched.version, source };
    }
    log(`Could not fetch nats-server from ${name}: ${fetched.reason.split("\n", 1)[0]}`);
    tried.push({ way: name, reason: fetched.reason });
  }
  throw new BrokerNotFoundError(tried);
}

async function inspectNamed(env: Environment): Promise<Inspection> {
  const path = env["MILLRACE_NATS_SERVER"];
  if (path === undefined || path === "") return { status: "unusable", reason: "not set" };
  const inspection = await inspectBinary(path, env);
  if (inspection.status === "unusable") {
    throw new BrokerNotFoundError([{ way: "MILLRACE_NATS_SERVER", reason: inspection.reason }]);
  }
  return inspection;
}

function withoutStatus({ path, version }: { path: string; version: string }) {
  return { path, version };
}
