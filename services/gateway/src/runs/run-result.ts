/** How a run ended, as v4's `TaskRunExecutionResult`. */
import { resultOf, type LiveRun, type RunResult } from "@millrace/proto";

/** undefined while it has not ended. */
export function runResultOf(run: LiveRun | undefined): RunResult | undefined {
  if (run?.status !== "finished") return undefined;
  return { ...resultOf(run), usage: { durationMs: Math.round(run.durationMs) } };
}
