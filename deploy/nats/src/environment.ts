import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** The caller's environment variables, handed in: this package reads none by itself. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where fetched servers are kept: `$XDG_CACHE_HOME/millrace`, else `~/.cache/millrace`. */
export function defaultCacheDir(env: Environment): string {
  const xdg = env["XDG_CACHE_HOME"];
  // The XDG specification says to ignore a relative path here.
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, "millrace");
  return join(env["HOME"] || homedir(), ".cache", "millrace");
}

export const EXECUTABLE_NAME = process.platform === "win32" ? "nats-server.exe" : "nats-server";
