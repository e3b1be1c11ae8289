/** What a Millrace costs that has nothing to do: broker, services and waiting run processes together. */
import { cpuSeconds, residentMb } from "@millrace/harness";
import type { Figure } from "./report.ts";

/** Starting up is over, also for V8, which collects what it has left for almost a minute. */
const SETTLE_MS = 60_000;
const MEASURE_MS = 30_000;

export async function idle(pids: readonly number[]): Promise<Figure[]> {
  await pause(SETTLE_MS);
  const before = cpuSeconds(pids) ?? Number.NaN;
  await pause(MEASURE_MS);
  const cpu = ((cpuSeconds(pids) ?? Number.NaN) - before) / (MEASURE_MS / 1000);
  const memory = residentMb(pids);
  return [
    {
      name: "idle: CPU of all processes",
      value: cpu * 100,
      unit: "% of a core",
      goal: { kind: "at most", bound: 1, rule: "1 %" },
    },
    {
      name: "idle: memory of all processes (PSS: shared pages counted once)",
      value: memory.once,
      unit: "MB",
      goal: { kind: "at most", bound: 350, rule: "350 MB" },
    },
    {
      name: "idle: the same, shared pages counted in each (RSS)",
      value: memory.each,
      unit: "MB",
    },
  ];
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
