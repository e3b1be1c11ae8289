/**
 * What the broker still keeps for runs of before this leader: slots they gave back and requests they do not wait with
 * any more. Whoever led then may not have told the broker.
 *
 * Owns: noting them while the log is read, and taking them back when this leader begins.
 */
import type { LiveRun, RunState, Slot } from "@millrace/proto";
import type { Admission } from "./admission.ts";

/** Those of a leader that crashed are among the last; the broker takes back the others after their lease. */
const SLOTS_NOTED = 10_000;

export class Leftovers {
  /** By slot id. */
  readonly #slots = new Map<string, { readonly env: string; readonly slot: Slot }>();
  /** Queues whose runs waited for a slot, by environment. */
  readonly #queues = new Map<string, Set<string>>();

  note(before: RunState, after: LiveRun): void {
    const had = slotOf(before);
    const has = slotOf(after);
    if (before.status === "queued" && !had) {
      const { env, queue } = after.trigger;
      const queues = this.#queues.get(env) ?? new Set();
      this.#queues.set(env, queues.add(queue));
    }
    if (has) this.#slots.delete(has.slotId);
    // Those given in memory are gone with the leader that gave them.
    if (!had || had.key !== undefined || had.slotId === has?.slotId) return;
    this.#slots.set(had.slotId, { env: after.trigger.env, slot: had });
    if (this.#slots.size <= SLOTS_NOTED) return;
    const [oldest] = this.#slots.keys();
    if (oldest !== undefined) this.#slots.delete(oldest);
  }

  /** After everyone who holds or wants a slot is known. */
  takeBack(admission: Admission): void {
    for (const { env, slot } of this.#slots.values()) admission.release(env, slot);
    for (const [env, queues] of this.#queues)
      for (const queue of queues) admission.settle(env, queue);
    this.#slots.clear();
    this.#queues.clear();
  }
}

export function slotOf(run: RunState): Slot | null {
  return "slot" in run ? run.slot : null;
}
