/** What a Millrace costs that has nothing to do: broker, services and waiting run processes together. */
import { readFileSync } from "node:fs";
import { cpuSeconds } from "@millrace/harness";
import type { Figure } from "./report.ts";

/** Starting up is over, also in the broker. */
const SETTLE_MS = 10_000;
const MEASURE_MS = 20_000;
const KB_PER_MB = 1024;

export async function idle(pids: readonly number[]): Promise<Figure[]> {
  await pause(SETTLE_MS);
  const before = cpuSeconds(pids) ?? Number.NaN;
  await pause(MEASURE_MS);
  const cpu = ((cpuSeconds(pids) ?? Number.NaN) - before) / (MEASURE_MS / 1000);
  const memory = pids.map(memoryOf);
  return [
    {
      name: "idle: CPU of all processes",
      value: cpu * 100,
      unit: "% of a core",
      goal: { kind: "at most", bound: 1, rule: "1 %" },
    },
    {
      name: "idle: memory of all processes (PSS: shared pages counted once)",
      value: sum(memory.map(({ pss }) => pss)),
      unit: "MB",
      goal: { kind: "at most", bound: 350, rule: "350 MB" },
    },
    {
      name: "idle: the same, shared pages counted in each (RSS)",
      value: sum(memory.map(({ rss }) => rss)),
      unit: "MB",
    },
  ];
}

/** Megabytes. */
function memoryOf(pid: number): { readonly rss: number; readonly pss: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const of = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(text)?.[1]) / KB_PER_MB;
  return { rss: of("Rss"), pss: of("Pss") };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
