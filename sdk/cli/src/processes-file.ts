/**
 * The processes of this start, written down as they come and go, so that the next one finds what a killed one left
 * behind: the broker above all, which ends with nobody and keeps the store in use.
 */
import { readFileSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { writePrivately } from "./data-dir.ts";
import { identify, isIdentity, lookFor, type ProcessIdentity } from "./process-identity.ts";

export class ProcessesFile {
  readonly #file: string;
  readonly #processes = new Map<string, ProcessIdentity>();

  constructor(file: string) {
    this.#file = file;
  }

  started(name: string, pid: number): void {
    this.#processes.set(name, identify(pid));
    this.#write();
  }

  ended(name: string): void {
    this.#processes.delete(name);
    this.#write();
  }

  #write(): void {
    if (this.#processes.size === 0) rmSync(this.#file, { force: true });
    else writePrivately(this.#file, JSON.stringify(Object.fromEntries(this.#processes), null, 2));
  }
}

const PATIENCE_MS = 10_000;
const LOOK_INTERVAL_MS = 25;

/**
 * Ends what an earlier start left behind; the broker after its clients, so that they can still say goodbye. A process
 * that cannot be told to be the one written down is left alone.
 * @returns the names of those that were still there
 */
export async function endLeftovers(file: string, lastName: string): Promise<string[]> {
  const leftovers = readProcesses(file).filter(([, process]) => lookFor(process) === "runs");
  await Promise.all(
    leftovers.filter(([name]) => name !== lastName).map(([, process]) => end(process)),
  );
  await Promise.all(
    leftovers.filter(([name]) => name === lastName).map(([, process]) => end(process)),
  );
  rmSync(file, { force: true });
  return leftovers.map(([name]) => name);
}

function readProcesses(file: string): [string, ProcessIdentity][] {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, "utf8"));
    return Object.entries(parsed as Record<string, unknown>).filter(
      (entry): entry is [string, ProcessIdentity] => isIdentity(entry[1]),
    );
  } catch {
    return [];
  }
}

async function end(identity: ProcessIdentity): Promise<void> {
  signal(identity, "SIGTERM");
  for (let waitedMs = 0; lookFor(identity) === "runs"; waitedMs += LOOK_INTERVAL_MS) {
    if (waitedMs >= PATIENCE_MS) signal(identity, "SIGKILL");
    await sleep(LOOK_INTERVAL_MS);
  }
}

function signal(identity: ProcessIdentity, name: NodeJS.Signals): void {
  try {
    process.kill(identity.pid, name);
  } catch {
    // It ended between the look and the signal.
  }
}
