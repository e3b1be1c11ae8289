/** SPEC.md's invariants as checks of one step of a fold, under their numbers. */
import { expect } from "vitest";
import {
  decodeBody,
  encodeBody,
  evolve,
  initial,
  obligations,
  type RunEvent,
  type RunState,
} from "../src/index.ts";

type Check = (before: RunState, event: RunEvent, after: RunState) => void;

/** What one of several facts that say the same, or a message of a late agent, may still move. */
const withoutSequences = (state: RunState): unknown => ({ ...state, agentSeq: 0, lastSeq: 0 });
const slotOf = (state: RunState): unknown => ("slot" in state ? state.slot : null);
/** What is said of a run whatever it is doing moves these. */
const ofFinished = (state: RunState): unknown => {
  if (state.status !== "finished") return state.status;
  return { ...state, tags: 0, metadata: 0, waiters: 0, updatedAt: 0, lastSeq: 0, agentSeq: 0 };
};

export const INVARIANTS: readonly (readonly [string, Check])[] = [
  [
    "3: finished is final",
    (before, event, after) => {
      if (before.status !== "finished") return;
      expect(ofFinished(after)).toEqual(ofFinished(before));
      const isSaidOfIt = ["tags-added", "metadata-updated", "run-awaited"].includes(event.type);
      if (!isSaidOfIt) expect({ ...after, agentSeq: 0 }).toEqual({ ...before, agentSeq: 0 });
    },
  ],
  [
    "4: a fact of another attempt or agent does not end an executing run",
    (before, event, after) => {
      if (before.status !== "executing" || event.type !== "attempt-succeeded") return;
      const { attempt, agentId } = event.data;
      const isCurrent = attempt === before.attempt && agentId === before.agentId;
      expect(after.status === "finished").toBe(isCurrent);
    },
  ],
  [
    "5: a slot is held only while queued, executing or retrying, and is replaced only by none",
    (before, _event, after) => {
      if (slotOf(after) !== null)
        expect(["queued", "executing", "retrying"]).toContain(after.status);
      if (slotOf(before) !== null && slotOf(after) !== null)
        expect(slotOf(after)).toEqual(slotOf(before));
    },
  ],
  [
    "6: every entry into queued is a new admission",
    (before, _event, after) => {
      if (after.status !== "queued" || before.status === "queued") return;
      expect(after.admission).toBe(before.status === "absent" ? 1 : before.admission + 1);
    },
  ],
  [
    "6: what was claimed under an earlier admission starts nothing",
    (before, event, after) => {
      if (event.type !== "attempt-started" || before.status !== "queued") return;
      const { admission = before.admission } = event.data;
      if (admission !== before.admission) expect(after.status).toBe("queued");
    },
  ],
  [
    "7, 8: all waits but the last are resolved, and open counts the children without a result",
    (_before, _event, after) => {
      if (after.status === "absent") return;
      for (const [i, wait] of after.waits.entries()) {
        const open = openIn(wait);
        if (wait.kind === "children") expect(wait.open).toBe(open);
        if (i < after.waits.length - 1) expect(open).toBe(0);
        if (wait.kind !== "children" && open > 0)
          expect(["waiting", "finished"]).toContain(after.status);
      }
    },
  ],
  [
    "10: attempts decrease only by being released",
    (before, event, after) => {
      if (before.status === "absent" || after.status === "absent") return;
      if (after.attempt < before.attempt) expect(event.type).toBe("attempt-released");
    },
  ],
  [
    "11: a cancellation ends a run that does not execute at once; one that executes ends before all else",
    (before, event, after) => {
      if (before.status === "absent" || before.status === "finished") return;
      if (event.type === "cancel-requested" && before.status !== "executing")
        expect(after).toMatchObject({ status: "finished", outcome: "canceled" });
      if (before.status !== "executing" || before.cancelRequestedAt === null) return;
      if (after.status === "executing")
        expect(after.cancelRequestedAt).toBe(before.cancelRequestedAt);
      else expect(after.status).toBe("finished");
    },
  ],
  [
    "12, 13: somebody cares for a live run; a finished one only has others to tell",
    (_before, _event, after) => {
      const kinds = obligations(after).map((obligation) => obligation.kind);
      if (after.status === "finished")
        for (const kind of kinds) expect(["tell-parent", "signal", "cancel-child"]).toContain(kind);
      else if (after.status === "waiting" && after.waits.at(-1)?.kind === "children")
        // Its children's coordinators do, and its agent's presence while its process lives.
        expect(kinds).toEqual(after.agentId === null ? [] : ["watch-agent"]);
      else if (after.status !== "absent") expect(kinds).not.toEqual([]);
    },
  ],
  [
    "14: an event folded again changes nothing, and what it says, said again, only what counts",
    (_before, event, after) => {
      expect(evolve(after, event)).toEqual(
        after.status === "absent" ? initial : { ...after, agentSeq: agentSeqOf(after, event) },
      );
      if (event.type === "metadata-updated") return;
      const again = evolve(after, { ...event, seq: event.seq + 0.5 });
      expect(withoutSequences(again)).toEqual(withoutSequences(after));
    },
  ],
  [
    "16: a state is JSON and survives every codec",
    (_before, _event, after) => {
      expect(decodeBody(encodeBody(after))).toEqual(after);
      expect(JSON.parse(JSON.stringify(after))).toEqual(after);
    },
  ],
  [
    "17: tags, each once, and waiters, each once, are only added to, but for what takes the trigger's place",
    (before, event, after) => {
      if (before.status === "absent" || after.status === "absent") return;
      expect(new Set(after.tags).size).toBe(after.tags.length);
      expect(new Set(after.waiters.map((waiter) => JSON.stringify(waiter))).size).toBe(
        after.waiters.length,
      );
      expect(after.waiters.slice(0, before.waiters.length)).toEqual(before.waiters);
      if (event.type !== "rescheduled")
        expect(after.tags.slice(0, before.tags.length)).toEqual(before.tags);
    },
  ],
  [
    "18: only a delayed run is moved or has its trigger replaced",
    (before, event, after) => {
      if (event.type !== "rescheduled" || before.status === "delayed") return;
      expect(after).toEqual(before);
    },
  ],
];

/** A message on the agent's subject that did not apply moves the sequence the next claim must expect, each time. */
function agentSeqOf(state: Exclude<RunState, { status: "absent" }>, event: RunEvent): number {
  return event.seq > state.lastSeq && isAgents(event) ? event.seq : state.agentSeq;
}

function isAgents({ type }: RunEvent): boolean {
  return type === "wait-started" || (type.startsWith("attempt-") && type !== "attempt-lost");
}

function openIn(wait: Exclude<RunState, { status: "absent" }>["waits"][number]): number {
  switch (wait.kind) {
    case "duration":
      return Number(!wait.done);
    case "children":
      return wait.children.filter((child) => child.result === null).length;
    case "token":
      return Number(wait.result === null);
  }
}

/** Folds, and calls `check` with the state before and after each event. */
export function steps(events: readonly RunEvent[], check: Check): RunState {
  let state: RunState = initial;
  for (const event of events) {
    const next = evolve(state, event);
    check(state, event, next);
    state = next;
  }
  return state;
}
