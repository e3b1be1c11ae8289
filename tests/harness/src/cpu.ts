/** CPU time and memory of processes and their descendants, from /proc. */
import { readdirSync, readFileSync } from "node:fs";

const TICKS_PER_SECOND = 100;

type Process = { readonly pid: number; readonly parent: number; readonly seconds: number };

/**
 * User and system seconds the processes and everything they started have used, ended and waited-for children
 * included. Linux only: undefined elsewhere.
 */
export function cpuSeconds(pids: readonly number[]): number | undefined {
  return familyOf(pids)?.reduce((sum, { seconds }) => sum + seconds, 0);
}

/** Megabytes the processes and everything they started hold; pages that several share counted once, and in each. */
export function residentMb(pids: readonly number[]): {
  readonly once: number;
  readonly each: number;
} {
  const sum = { once: 0, each: 0 };
  for (const { pid } of familyOf(pids) ?? []) {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    sum.once += megabytes(text, "Pss");
    sum.each += megabytes(text, "Rss");
  }
  return sum;
}

function megabytes(text: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(text)?.[1]) / 1024;
}

function familyOf(pids: readonly number[]): Process[] | undefined {
  const all = processes();
  if (!all) return undefined;
  const wanted = new Set(pids);
  for (let grew = true; grew;) {
    grew = false;
    for (const { pid, parent } of all)
      if (wanted.has(parent) && !wanted.has(pid)) {
        wanted.add(pid);
        grew = true;
      }
  }
  return all.filter(({ pid }) => wanted.has(pid));
}

function processes(): Process[] | undefined {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        const process = read(Number(name));
        return process ? [process] : [];
      });
  } catch {
    return undefined;
  }
}

function read(pid: number): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command's name is in parentheses and may hold spaces; fields are counted behind it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0);
    return { pid, parent: Number(fields[1]), seconds: ticks / TICKS_PER_SECOND };
  } catch {
    return undefined;
  }
}
