/** A service as a process of its own, in a session of its own: a terminal's Ctrl-C reaches only the supervisor. */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { Environment } from "./environment.ts";
import type { Exit, RunningProcess } from "./supervised.ts";

export async function spawnService(
  entry: string,
  env: Environment,
  logFile: string,
): Promise<RunningProcess> {
  const [command, ...args] = [...orphanGuard(), process.execPath, entry];
  const log = openSync(logFile, "a");
  try {
    const child = spawn(command ?? process.execPath, args, {
      env: { ...env },
      detached: true,
      stdio: ["ignore", log, log],
    });
    const exited = new Promise<Exit>((resolve) => {
      child.once("exit", (code, signal) => resolve({ code, signal }));
    });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("spawn", () => resolve(child.pid ?? 0));
    });
    return { pid, exited, kill: (signal) => void child.kill(signal) };
  } finally {
    closeSync(log);
  }
}

let guard: readonly string[] | undefined;

/**
 * What makes the system end a service when its supervisor was killed and could not: `setpriv` asks the kernel for it
 * and becomes the service. Some systems have none, or one that cannot; there a killed supervisor's services stay until
 * the next start.
 */
function orphanGuard(): readonly string[] {
  const wrapper = ["setpriv", "--pdeathsig", "TERM", "--"];
  const [program = "", ...flags] = wrapper;
  guard ??= spawnSync(program, [...flags, "true"]).status === 0 ? wrapper : [];
  return guard;
}
