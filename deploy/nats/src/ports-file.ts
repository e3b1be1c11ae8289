import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { shakeHands } from "./handshake.ts";

/** The server names the file after its program and its process. */
const PORTS_FILE = /_(\d+)\.ports$/;

/**
 * The client port that the server process `pid` says it listens on, once it does. Asking the process
 * itself leaves no race for a free port, and no way to take another server on the same port for ours.
 */
export async function readClientPort(portsDir: string, pid: number): Promise<number | undefined> {
  const name = (await readdir(portsDir)).find((file) => PORTS_FILE.exec(file)?.[1] === String(pid));
  if (name === undefined) return undefined;
  // The server does not write it atomically: half a file is none yet.
  const port = /"nats":\["[^"]*:(\d+)"/.exec(await readFile(join(portsDir, name), "utf8"))?.[1];
  return port === undefined ? undefined : Number(port);
}

/** A server that still uses the store, started earlier and not stopped since. */
export type RunningServer = { readonly pid: number; readonly port: number };

/**
 * Two servers on one store destroy it, and the server itself does not look. A ports file is left behind
 * by a killed server too, so one counts only if its process lives and its port is served.
 */
export async function findRunningServer(
  portsDir: string,
  host: string,
): Promise<RunningServer | undefined> {
  const files = await readdir(portsDir).catch(() => []);
  for (const file of files) {
    const pid = Number(PORTS_FILE.exec(file)?.[1]);
    if (!Number.isInteger(pid) || !isAlive(pid)) continue;
    const port = await readClientPort(portsDir, pid);
    if (port !== undefined && (await shakeHands(host, port)).status !== "refused")
      return { pid, port };
  }
  return undefined;
}

export async function emptyPortsDir(portsDir: string): Promise<void> {
  await rm(portsDir, { recursive: true, force: true });
  await mkdir(portsDir, { recursive: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
