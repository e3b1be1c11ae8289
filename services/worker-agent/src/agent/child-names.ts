/**
 * Ids of children. They follow from the parent, its try, and what is asked, so that code which is run again because its
 * process was lost asks for the same children and makes no second ones. A retry after an error is another try: it makes
 * its own.
 *
 * Children that are waited for are told apart by their place in the wait, the others by how often the same was asked.
 * The wait in the log has their ids, too; here it is for an agent that was lost when their triggers were stored and the
 * wait was not.
 */
import { createHash } from "node:crypto";
import { encodeBody, makeRunId, RUN_ID_RANDOM_BYTES, shardOfQueue } from "@millrace/proto";
import type { TriggerCall } from "@millrace/sdk/internal";
import type { HeldRun } from "./held-run.ts";

export type Parent = {
  readonly runId: string;
  readonly env: string;
  readonly attempt: number;
  readonly losses: number;
  /** When its first attempt started: the time in its children's ids. */
  readonly startedAt: number;
};

/** One for each execution: it counts how often the same was asked. */
export class ChildNames {
  readonly #parent: Parent;
  readonly #asked = new Map<string, number>();

  constructor(parent: Parent) {
    this.#parent = parent;
  }

  /** @param queue where the child will be: its shard is part of its id */
  runId(call: TriggerCall, queue: string): string {
    const { env, startedAt } = this.#parent;
    const random = this.#seed(call).subarray(0, RUN_ID_RANDOM_BYTES);
    return makeRunId(shardOfQueue(env, queue), startedAt, random);
  }

  batchId(calls: readonly TriggerCall[]): string {
    return batchIdOf(this.#seed(calls));
  }

  #seed(question: unknown): Uint8Array {
    const asked = digestOf(question);
    const nth = this.#asked.get(asked) ?? 0;
    this.#asked.set(asked, nth + 1);
    return seedOf(this.#parent, `${asked}\n${nth}`);
  }
}

/** The child at this place of a wait. @param queue where the child will be: its shard is part of its id */
export function awaitedRunId(
  parent: Parent,
  place: { readonly waitIndex: number; readonly childIndex: number },
  call: TriggerCall,
  queue: string,
): string {
  const where = `wait ${place.waitIndex} ${place.childIndex}`;
  const random = seedOf(parent, `${where}\n${digestOf(call)}`).subarray(0, RUN_ID_RANDOM_BYTES);
  return makeRunId(shardOfQueue(parent.env, queue), parent.startedAt, random);
}

export function awaitedBatchId(
  parent: Parent,
  waitIndex: number,
  calls: readonly TriggerCall[],
): string {
  return batchIdOf(seedOf(parent, `wait ${waitIndex}\n${digestOf(calls)}`));
}

export function parentOf({ runId, attempt: claimed }: HeldRun): Parent {
  const { trigger, attempt, losses, startedAt } = claimed;
  return { runId, env: trigger.env, attempt, losses, startedAt };
}

function seedOf({ runId, attempt, losses }: Parent, question: string): Uint8Array {
  // A lost attempt and the one that goes on in its place are one try.
  const tries = attempt - losses;
  return createHash("sha256").update(`${runId}\n${tries}\n${question}`).digest();
}

function digestOf(question: unknown): string {
  return createHash("sha256").update(encodeBody(question)).digest("hex");
}

function batchIdOf(seed: Uint8Array): string {
  return `batch_${Buffer.from(seed).toString("hex").slice(0, 24)}`;
}
