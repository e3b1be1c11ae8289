/**
 * Idempotency keys: which run a key of a task stands for.
 *
 * The record is claimed before the run is triggered, so a crash between the two leaves a key whose run is not in the log:
 * whoever meets it triggers the run under the same id. The log takes one trigger an id, so there is one run whoever wins.
 */
import {
  idempotencyKeyOf,
  type Accepted,
  type IdempotencyClaim,
  type IdempotencyRecord,
  type LiveRun,
  type Outcome,
} from "@millrace/proto";
import { sleep, tooLong, untriggered, type Claim, type Claimant } from "./claim.ts";
import { shortKey } from "./keys.ts";

/** v4's rule: these do not stand for their key any longer. A run that completed or was cancelled does. */
const REPLACED: ReadonlySet<Outcome> = new Set<Outcome>([
  "failed",
  "crashed",
  "timed-out",
  "system-failure",
  "expired",
]);

/** @throws BrokerUnavailableError when others are faster until the deadline (epoch milliseconds) */
export async function claimIdempotencyKey(
  claimant: Claimant,
  env: string,
  plan: Accepted,
  { key: userKey, ttlMs }: IdempotencyClaim,
  deadline: number,
): Promise<Claim> {
  const bucket = await claimant.stores.idempotency();
  const key = taskIdempotencyKey(env, plan.data.taskId, userKey);
  const { runId } = plan;
  for (let tries = 0; ; tries++) {
    const { queue } = plan.data;
    const record: IdempotencyRecord = { id: runId, expiresAt: Date.now() + ttlMs, queue };
    if ((await bucket.create(key, record, { ttlMs })) !== undefined) return { runId, isNew: true };
    const entry = await bucket.get(key);
    if (entry?.value.id === runId) return { runId, isNew: true };
    if (entry) {
      const holder = await holderOf(claimant, env, plan, entry.value);
      if (holder === "there") continue;
      if (holder) return holder;
      const replaced = await bucket.update(key, record, entry.revision, undefined, { ttlMs });
      if (replaced !== undefined) return { runId, isNew: true };
    }
    if (Date.now() > deadline) throw tooLong("idempotency", userKey);
    await sleep(Math.random() * Math.min(100, 2 ** tries));
  }
}

/**
 * The key leads to another run than it was claimed for: a debounced trigger joined one that was there. A key that has
 * been claimed again meanwhile stays as it is.
 */
export async function moveIdempotencyKey(
  { stores }: Claimant,
  env: string,
  taskId: string,
  { key: userKey, ttlMs }: IdempotencyClaim,
  move: { readonly from: string; readonly to: string },
): Promise<void> {
  const bucket = await stores.idempotency();
  await bucket.change(
    taskIdempotencyKey(env, taskId, userKey),
    (record) => (record?.id === move.from ? { ...record, id: move.to } : undefined),
    { ttlMs: () => ttlMs },
  );
}

export function taskIdempotencyKey(env: string, taskId: string, key: string): string {
  return idempotencyKeyOf(env, { taskId }, shortKey(key));
}

/** The run the record stands for; undefined when the key is free again. */
async function holderOf(
  claimant: Claimant,
  env: string,
  plan: Accepted,
  { id, expiresAt, queue }: IdempotencyRecord,
): Promise<Claim | "there" | undefined> {
  if (Date.now() >= expiresAt) return undefined;
  const run = await claimant.reader.state(env, id);
  if (run.status !== "absent")
    return standsForItsKey(run) ? { runId: id, isNew: false } : undefined;
  const left = await untriggered(claimant, env, plan, { runId: id, queue });
  if (left === "there") return left;
  return left === "usable" ? { runId: id, isNew: true } : undefined;
}

function standsForItsKey(run: LiveRun): boolean {
  return run.status !== "finished" || !REPLACED.has(run.outcome);
}
