/** A plan's way to its run: what claims of all kinds have in common. */
import {
  encodeEvent,
  isRunId,
  runSubject,
  shardOfQueue,
  shardOfRun,
  type Accepted,
} from "@millrace/proto";
import { BrokerUnavailableError } from "../errors.ts";
import type { Publisher } from "../publisher.ts";
import type { RunLogReader } from "../run-log.ts";
import type { Stores } from "../stores.ts";

/** `isNew`: whoever claimed it has to trigger the run, under this id. */
export type Claim = { readonly runId: string; readonly isNew: boolean };

export type Claimant = {
  readonly stores: Stores;
  readonly reader: RunLogReader;
  readonly publisher: Publisher;
};

/** How long who claimed an id is given to trigger its run, where nobody else can. */
const PATIENCE_MS = [5, 20, 100, 400, 1500];

/**
 * What may be done with the id in a key's record when no run is in the log under it. Whoever claimed it is about to
 * trigger it, or died before it did.
 * - `usable`: anyone may trigger it; the log keeps the first.
 * - `there`: it was triggered meanwhile.
 * - `void`: nobody can any more. The plan goes to another queue, and so to another shard than the id names: the id is
 *   closed by a fact that stands where the first one would have to.
 */
export async function untriggered(
  { reader, publisher }: Claimant,
  env: string,
  plan: Accepted,
  runId: string,
): Promise<"usable" | "there" | "void"> {
  if (!isRunId(runId)) return "void";
  if (shardOfRun(runId) === shardOfQueue(env, plan.data.queue)) return "usable";
  for (const ms of PATIENCE_MS) {
    await sleep(ms);
    if ((await reader.state(env, runId)).status !== "absent") return "there";
  }
  const closed = await publisher.publish(
    runSubject(env, runId, "client"),
    encodeEvent("cancel-requested", { at: Date.now(), reason: "never triggered" }),
    { type: "cancel-requested", expectLastSeq: 0 },
  );
  if (closed.kind === "stored") return "void";
  return (await reader.state(env, runId)).status === "absent" ? "void" : "there";
}

export function tooLong(kind: string, key: string): BrokerUnavailableError {
  return new BrokerUnavailableError(
    `The ${kind} key ${JSON.stringify(key)} could not be followed to a run in time`,
  );
}

export async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
