/**
 * An orderly end: nothing new is taken, what runs may finish for a while, the rest goes on elsewhere.
 *
 * 1. Runs that wait or pause between attempts are given back at once: they need no code to end.
 * 2. What still runs after the patience is given back unfinished; the attempt does not count.
 */
import type { HeldRun, HeldRuns } from "./held-run.ts";

export type DrainOptions = {
  readonly runs: HeldRuns;
  readonly patienceMs: number;
  readonly release: (run: HeldRun) => void;
};

const LOOK_EVERY_MS = 20;
/** A claim that is not decided by then is found out by those who look for lost agents. */
const UNDECIDED_MS = 5000;

/** Resolves when this agent holds no run any more. */
export async function drain({ runs, patienceMs, release }: DrainOptions): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (const run of runs.all())
    if (run.phase.kind === "waiting" || run.phase.kind === "retrying") release(run);
  while (runs.size > 0 && performance.now() < deadline) await pause();
  for (const run of runs.all()) if (run.phase.kind !== "claiming") release(run);
  while (runs.size > 0 && performance.now() < deadline + UNDECIDED_MS) await pause();
}

async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
}
