/** Triggers what was planned, under the id that was planned for it. */
import type { Accepted } from "@millrace/proto";
import type { RunClient } from "@millrace/service-kit";

/** How long a client waits for the broker before it is told that nobody knows. */
const DEADLINE_MS = 5000;

export type TriggeredRun = {
  /** The planned id, or the run that a key of the plan stands for already. */
  readonly runId: string;
  /** An idempotency key stood for another run. */
  readonly isCached: boolean;
  /** Stored by this call: not there before. */
  readonly isNew: boolean;
};

/** Done again with the same plan, it finds the run there. */
export async function triggerPlanned(
  runs: RunClient,
  env: string,
  plan: Accepted,
): Promise<TriggeredRun> {
  const { runId, isCached, isNew } = await runs.triggerPlanned(env, plan, DEADLINE_MS);
  // What an earlier attempt of the same request has made is not another one.
  return { runId, isCached: isCached && runId !== plan.runId, isNew };
}
