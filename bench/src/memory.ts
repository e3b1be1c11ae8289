/** The most memory a process has had, from /proc: Linux only. Megabytes. */
import { readFileSync } from "node:fs";

export function peakMemoryMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}
