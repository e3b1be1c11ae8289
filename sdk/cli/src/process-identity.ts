/**
 * Which process, beyond its number: numbers are given out again, also to strangers, and a file that names a process
 * outlives it.
 */
import { readFileSync } from "node:fs";

/** `startedAt` is opaque and unique to the process on this machine; null where the system does not tell. */
export type ProcessIdentity = { readonly pid: number; readonly startedAt: string | null };

export function identify(pid: number): ProcessIdentity {
  return { pid, startedAt: startOf(pid) };
}

/** `unknown`: a process of this number runs, and it cannot be told whether it is this one. */
export function lookFor(identity: ProcessIdentity): "runs" | "gone" | "unknown" {
  if (!exists(identity.pid)) return "gone";
  const startedAt = startOf(identity.pid);
  if (identity.startedAt === null || startedAt === null) return "unknown";
  return startedAt === identity.startedAt ? "runs" : "gone";
}

export function isIdentity(value: unknown): value is ProcessIdentity {
  if (typeof value !== "object" || value === null) return false;
  const { pid, startedAt } = value as { pid?: unknown; startedAt?: unknown };
  const isPid = typeof pid === "number" && Number.isInteger(pid) && pid > 0;
  return isPid && (startedAt === null || typeof startedAt === "string");
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Linux: the boot, and the process's start in ticks since then. A zombie has ended already. */
function startOf(pid: number): string | null {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The program's name, second and in parentheses, may itself hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, ticks] = [fields[0], fields[19]];
    return state === "Z" || ticks === undefined ? `${boot}/ended` : `${boot}/${ticks}`;
  } catch {
    return null;
  }
}
