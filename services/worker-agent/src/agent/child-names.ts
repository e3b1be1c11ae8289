/**
 * Ids of children nobody waits for. They follow from the parent, its try, and what is asked, so that code which is run
 * again because its process was lost asks for the same children and makes no second ones. A retry after an error is
 * another try: it makes its own.
 *
 * (Children that are waited for need none of this: their ids are in the wait.)
 */
import { createHash } from "node:crypto";
import { encodeBody, makeRunId, RUN_ID_RANDOM_BYTES, shardOfQueue } from "@millrace/proto";
import type { TriggerCall } from "@millrace/sdk/internal";

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
    return `batch_${Buffer.from(this.#seed(calls)).toString("hex").slice(0, 24)}`;
  }

  #seed(question: unknown): Uint8Array {
    const asked = createHash("sha256").update(encodeBody(question)).digest("hex");
    const nth = this.#asked.get(asked) ?? 0;
    this.#asked.set(asked, nth + 1);
    const { runId, attempt, losses } = this.#parent;
    // A lost attempt and the one that goes on in its place are one try.
    const tries = attempt - losses;
    return createHash("sha256").update(`${runId}\n${tries}\n${asked}\n${nth}`).digest();
  }
}
