/** The `usage` namespace: how long a run's code has been active, and what that costs. */
import { currentRun } from "./host.ts";

export type ComputeUsage = {
  /** Milliseconds, waits left out. */
  readonly durationMs: number;
  /** 0 where machines have no price. */
  readonly costInCents: number;
};

export type CurrentUsage = ComputeUsage & {
  readonly compute: { readonly attempt: ComputeUsage; readonly total: ComputeUsage };
  /** What a run costs before its code has begun. */
  readonly baseCostInCents: number;
  readonly totalCostInCents: number;
};

export const usage = {
  /**
   * What the run has used so far; `durationMs` and `costInCents` (an older spelling) are those of all attempts. Outside a
   * run everything is 0.
   */
  getCurrent: (): CurrentUsage => {
    const run = currentRun();
    const active = run?.host.activeMs() ?? { attempt: 0, total: 0 };
    const baseCostInCents = run?.ctx.run.baseCostInCents ?? 0;
    const total = usedIn(active.total);
    return {
      compute: { attempt: usedIn(active.attempt), total },
      baseCostInCents,
      totalCostInCents: baseCostInCents + total.costInCents,
      ...total,
    };
  },

  /**
   * Runs the code and tells what it used.
   * @throws what the code throws
   */
  measure: async <T>(
    code: () => T | Promise<T>,
  ): Promise<{ readonly result: T; readonly compute: ComputeUsage }> => {
    const before = activeMs();
    const result = await code();
    return { result, compute: usedIn(Math.max(0, activeMs() - before)) };
  },
} as const;

function activeMs(): number {
  return currentRun()?.host.activeMs().attempt ?? performance.now();
}

function usedIn(durationMs: number): ComputeUsage {
  const centsPerMs = currentRun()?.ctx.machine.centsPerMs ?? 0;
  return { durationMs, costInCents: durationMs * centsPerMs };
}
