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

/**
 * What may be done with the id in a key's record when no run is in the log under it. Whoever claimed it is about to
 * trigger it, or died before it did. The log keeps the first trigger of an id, so anyone may.
 * - `usable`: the plan's run may have it.
 * - `there`: it was triggered. The plan goes to another queue than the id was made for, and so to another shard: its run
 *   goes to the id's queue instead, where the run that was claimed would have gone.
 * - `void`: it is no run's id.
 */
export async function untriggered(
  { publisher }: Claimant,
  env: string,
  { data }: Accepted,
  record: { readonly runId: string; readonly queue: string | undefined },
): Promise<"usable" | "there" | "void"> {
  const { runId, queue = data.queue } = record;
  if (!isRunId(runId)) return "void";
  const shard = shardOfRun(runId);
  if (shard === shardOfQueue(env, data.queue)) return "usable";
  if (shard !== shardOfQueue(env, queue)) return "void";
  await publisher.publish(
    runSubject(env, runId, "client"),
    encodeEvent("run-triggered", { ...data, queue }),
    { type: "run-triggered", expectLastSeq: 0 },
  );
  return "there";
}

export function tooLong(kind: string, key: string): BrokerUnavailableError {
  return new BrokerUnavailableError(
    `The ${kind} key ${JSON.stringify(key)} could not be followed to a run in time`,
  );
}

export async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
