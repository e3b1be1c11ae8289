/** Which run a plan's keys lead to: its idempotency key's first, then its debounce key's. */
import type { Accepted } from "@millrace/proto";
import type { Claimant } from "./claim.ts";
import type { DebounceKeys } from "./debounce.ts";
import { claimIdempotencyKey, moveIdempotencyKey } from "./idempotency.ts";

/**
 * `isNew`: the caller has to trigger the run, under this id; otherwise it is in the log. `isCached`: an idempotency key
 * stood for it.
 */
export type Claimed = {
  readonly runId: string;
  readonly isNew: boolean;
  readonly isCached: boolean;
};

/** @throws BrokerUnavailableError also when others were faster all the time until the deadline (epoch milliseconds) */
export async function claimRun(
  claimant: Claimant,
  debounceKeys: DebounceKeys,
  env: string,
  plan: Accepted,
  deadline: number,
): Promise<Claimed> {
  const { idempotency, debounce } = plan;
  let claimed = { runId: plan.runId, isNew: true };
  if (idempotency) claimed = await claimIdempotencyKey(claimant, env, plan, idempotency, deadline);
  if (!claimed.isNew || !debounce) return { ...claimed, isCached: !claimed.isNew };
  const from = claimed.runId;
  const named = from === plan.runId ? plan : { ...plan, runId: from };
  const debounced = await debounceKeys.claim(env, named, debounce, deadline);
  const move = { from, to: debounced.runId };
  if (idempotency && move.to !== from)
    await moveIdempotencyKey(claimant, env, plan.data.taskId, idempotency, move);
  return { ...debounced, isCached: false };
}
