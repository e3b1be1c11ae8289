import { adopt, withWorkDir } from "./cache.ts";
import type { Environment } from "./environment.ts";

/**
 * What an attempt to fetch a server left: a binary in the work directory that was run and is new
 * enough, or the reason for none.
 */
export type Fetched =
  | { readonly status: "fetched"; readonly path: string; readonly version: string }
  | { readonly status: "failed"; readonly reason: string };

export type FetchContext = {
  readonly env: Environment;
  readonly log: (line: string) => void;
};

export function failed(reason: string): Fetched {
  return { status: "failed", reason };
}

/** Fetches into a work directory and, if that gave a good binary, moves it into the cache. */
export async function fetchIntoCache(
  cacheDir: string,
  fetchInto: (workDir: string) => Promise<Fetched>,
): Promise<Fetched> {
  try {
    return await withWorkDir(cacheDir, async (workDir) => {
      const fetched = await fetchInto(workDir);
      if (fetched.status === "failed") return fetched;
      return { ...fetched, path: await adopt(cacheDir, fetched.version, fetched.path) };
    });
  } catch (error) {
    // A read-only or full disk: the user needs the reason beside those of the other ways.
    return failed(`cannot use the cache ${cacheDir}: ${(error as Error).message}`);
  }
}
