/** The `timeout` namespace. */
import { currentRun } from "./host.ts";

export const timeout = {
  /** As `maxDuration`: attempts may take any time. */
  None: 2_147_483_647,

  /** The run's signal; undefined outside a run. */
  get signal(): AbortSignal | undefined {
    return currentRun()?.signal;
  },
} as const;
