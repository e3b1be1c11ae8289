/**
 * Answering durable calls from the log, and naming them so that this is safe. Pure.
 *
 * The k-th durable call of the code is the k-th wait of the log. It is answered from there only when it asks the same
 * thing: code that took another path than before must not be given answers to other questions.
 */
import { createHash } from "node:crypto";
import type { Wait, WaitRequest } from "@millrace/proto";
import type { TriggerCall } from "@millrace/sdk/internal";

export type DurableCall = { readonly kind: WaitRequest["kind"]; readonly key: string };

export type Replay =
  | { readonly kind: "new" }
  | { readonly kind: "answered"; readonly wait: Wait }
  /** Asked before, and not answered yet. */
  | { readonly kind: "open" }
  | { readonly kind: "mismatch"; readonly message: string };

export function replay(waits: readonly Wait[], index: number, call: DurableCall): Replay {
  const wait = waits[index];
  if (!wait) return { kind: "new" };
  if (wait.kind !== call.kind || wait.key !== call.key)
    return {
      kind: "mismatch",
      message: `The code took another path than before the wait: expected ${wait.key}, got ${call.key}`,
    };
  return isAnswered(wait) ? { kind: "answered", wait } : { kind: "open" };
}

function isAnswered(wait: Wait): boolean {
  switch (wait.kind) {
    case "duration":
      return wait.done;
    case "children":
      return wait.open === 0;
    case "token":
      return wait.result !== null;
  }
}

/** The time is no part of it: it is counted from a clock that has moved on. */
export function durationKey(index: number): string {
  return `duration:${index}`;
}

/** @param asked as the code wrote it: the token's id, or the idempotency key it was made with */
export function tokenWaitKey(asked: string): string {
  return `token:${asked}`;
}

const SHOWN_TASKS = 3;

/** The tasks that are called, for people, and a hash of the calls and their payloads. */
export function childrenKey(calls: readonly TriggerCall[]): string {
  const hash = createHash("sha256");
  for (const { taskId, body } of calls)
    hash.update(JSON.stringify([taskId, body.payload ?? null])).update("\n");
  const tasks = [...new Set(calls.map((call) => call.taskId))];
  const shown = tasks.slice(0, SHOWN_TASKS).join(",");
  const more = tasks.length > SHOWN_TASKS ? ",…" : "";
  return `children:${shown}${more}:${calls.length}:${hash.digest("hex").slice(0, 12)}`;
}
