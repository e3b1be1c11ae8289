import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { once } from "node:events";
import { BrokerStartError } from "./errors.ts";

export type Exit = { readonly code: number | null; readonly signal: string | null };

/** The server's process, from its start to its end. */
export type ServerProcess = {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly hasExited: () => boolean;
  readonly kill: (signal: NodeJS.Signals) => void;
};

/**
 * Starts the server itself, with no shell between, so that its pid is the server's. It leads a process
 * group of its own: Ctrl-C in a terminal reaches the caller alone, who stops its clients before the server.
 * Its output goes straight to the file, so it neither blocks nor breaks when the caller is gone.
 */
export async function spawnServer(
  path: string,
  configPath: string,
  logFile: string,
): Promise<ServerProcess> {
  const log = openSync(logFile, "a");
  try {
    const child = spawn(path, ["--config", configPath], {
      detached: true,
      windowsHide: true,
      stdio: ["ignore", log, log],
    });
    let ended = false;
    const exited = new Promise<Exit>((resolve) => {
      child.once("exit", (code, signal) => {
        ended = true;
        resolve({ code, signal });
      });
    });
    await once(child, "spawn");
    const { pid } = child;
    if (pid === undefined) throw new Error("no process was made");
    return { pid, exited, hasExited: () => ended, kill: (signal) => void child.kill(signal) };
  } catch (error) {
    throw new BrokerStartError(`${path} could not be started: ${(error as Error).message}`);
  } finally {
    closeSync(log);
  }
}

/** Asks the process to end, and makes it end if it has not by then. Resolves when it is gone. */
export async function stopServer(server: ServerProcess, patienceMs: number): Promise<void> {
  if (server.hasExited()) return;
  server.kill("SIGTERM");
  const force = setTimeout(() => server.kill("SIGKILL"), patienceMs);
  try {
    await server.exited;
  } finally {
    clearTimeout(force);
  }
}
