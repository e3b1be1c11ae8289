/** Memory of a process, from /proc: Linux only, NaN elsewhere. Megabytes. */
import { readFileSync } from "node:fs";

export function residentMb(pid: number): number {
  return fieldMb(pid, "VmRSS");
}

/** The most it has had. */
export function peakMemoryMb(pid: number): number {
  return fieldMb(pid, "VmHWM");
}

function fieldMb(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) / 1024;
}
