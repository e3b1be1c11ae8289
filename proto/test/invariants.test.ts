/** SPEC.md's invariants over arbitrary logs: facts in any order, repeated, late and forged. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  diff,
  encodeBody,
  evolve,
  fold,
  initial,
  obligations,
  type RunEvent,
  type RunState,
} from "../src/index.ts";
import {
  cancel,
  canceled,
  childDone,
  type Fact,
  failed,
  fired,
  granted,
  log,
  lost,
  released,
  resumed,
  started,
  succeeded,
  triggered,
  waitsFor,
  waitsForChildrenOn,
} from "./events.ts";

const attempt = fc.integer({ min: 1, max: 4 });
const agent = fc.constantFrom("a1", "a2");
const admission = fc.integer({ min: 1, max: 5 });
const retry = fc.constantFrom(
  null,
  { at: 3500, where: "agent" as const },
  { at: 90_000, where: "queue" as const },
);

const fact: fc.Arbitrary<Fact> = fc.oneof(
  fc.tuple(attempt, agent, fc.boolean()).map(([n, a, continues]) => started(n, a, { continues })),
  fc.tuple(attempt, agent).map(([n, a]) => succeeded(n, a)),
  fc.tuple(retry, attempt, agent).map(([r, n, a]) => failed(r, n, a)),
  fc.tuple(admission, fc.constantFrom("s1", "s2")).map(([n, s]) => granted(n, s)),
  fc.tuple(attempt, agent).map(([n, a]) => lost(n, a)),
  fc.tuple(attempt, agent).map(([n, a]) => released(n, a)),
  fc.tuple(attempt, agent).map(([n, a]) => canceled(n, a)),
  fc.integer({ min: 0, max: 2 }).map((i) => waitsFor(i)),
  agent.map((a) => waitsForChildrenOn(a, "c1", "c2")),
  fc.constantFrom(childDone(0, "c1"), childDone(1, "c2"), childDone(0, "c1", 1)),
  fc.constantFrom(
    fired("delay", 9000),
    fired("retry", 90_000),
    fired("wait-0", 60_000),
    fired("wait-1", 60_000),
    fired("ttl", 6000),
  ),
  admission.map((n) => resumed(n)),
  fc.constant(cancel),
);

const history: fc.Arbitrary<RunEvent[]> = fc
  .tuple(
    fc.constantFrom(triggered(), triggered({ delayUntil: 9000 }), triggered({ ttlMs: 5000 })),
    fc.array(fact, { maxLength: 40 }),
  )
  .map(([first, rest]) => log(first, ...rest));

/** Calls `check` with the state before and after each event. */
function steps(
  events: readonly RunEvent[],
  check: (before: RunState, event: RunEvent, after: RunState) => void,
): void {
  let state: RunState = initial;
  for (const event of events) {
    const next = evolve(state, event);
    check(state, event, next);
    state = next;
  }
}

const withoutAgentSeq = (state: RunState): unknown => ({ ...state, agentSeq: 0 });
const property = (check: (events: RunEvent[]) => void): void => {
  fc.assert(
    fc.property(history, (events) => {
      check(events);
    }),
    { numRuns: 2000 },
  );
};

describe("SPEC.md", () => {
  test("1, 2: any log folds, to the same bytes each time", () => {
    property((events) => expect(encodeBody(fold(events))).toEqual(encodeBody(fold(events))));
  });

  test("3: finished is final", () => {
    property((events) =>
      steps(events, (before, _event, after) => {
        if (before.status === "finished")
          expect(withoutAgentSeq(after)).toEqual(withoutAgentSeq(before));
      }),
    );
  });

  test("4: a result of another attempt or agent does not end an executing run", () => {
    property((events) =>
      steps(events, (before, event, after) => {
        if (before.status !== "executing" || event.type !== "attempt-succeeded") return;
        const current =
          event.data.attempt === before.attempt && event.data.agentId === before.agentId;
        expect(after.status === "finished").toBe(current);
      }),
    );
  });

  test("5: a slot is held only while queued, executing or retrying, and is replaced only by none", () => {
    property((events) =>
      steps(events, (before, _event, after) => {
        const slotOf = (state: RunState): unknown => ("slot" in state ? state.slot : null);
        if (slotOf(after) !== null)
          expect(["queued", "executing", "retrying"]).toContain(after.status);
        if (slotOf(before) !== null && slotOf(after) !== null)
          expect(slotOf(after)).toEqual(slotOf(before));
      }),
    );
  });

  test("6: every entry into queued is a new admission", () => {
    property((events) =>
      steps(events, (before, _event, after) => {
        if (after.status !== "queued" || before.status === "queued") return;
        expect(after.admission).toBe(before.status === "absent" ? 1 : before.admission + 1);
      }),
    );
  });

  test("7, 8: all waits but the last are resolved, and open counts the children without a result", () => {
    property((events) =>
      steps(events, (_before, _event, after) => {
        if (after.status === "absent") return;
        for (const [i, wait] of after.waits.entries()) {
          const open =
            wait.kind === "children"
              ? wait.children.filter((child) => child.result === null).length
              : Number(!wait.done);
          if (wait.kind === "children") expect(wait.open).toBe(open);
          if (i < after.waits.length - 1) expect(open).toBe(0);
          if (wait.kind === "duration" && open > 0)
            expect(["waiting", "finished"]).toContain(after.status);
        }
      }),
    );
  });

  test("10: attempts decrease only by being released", () => {
    property((events) =>
      steps(events, (before, event, after) => {
        if (before.status === "absent" || after.status === "absent") return;
        if (after.attempt < before.attempt) expect(event.type).toBe("attempt-released");
      }),
    );
  });

  test("12, 13: a live run has obligations; a finished one only has others to tell", () => {
    property((events) =>
      steps(events, (_before, _event, after) => {
        const kinds = obligations(after).map((obligation) => obligation.kind);
        if (after.status === "finished")
          for (const kind of kinds)
            expect(["tell-parent", "signal", "cancel-child"]).toContain(kind);
        else if (after.status !== "absent") expect(kinds).not.toEqual([]);
      }),
    );
  });

  test("14: an event folded again right after itself changes nothing", () => {
    property((events) =>
      steps(events, (_before, event, after) => {
        expect(withoutAgentSeq(evolve(after, event))).toEqual(withoutAgentSeq(after));
      }),
    );
  });

  test("15: from a carried state on, the fold is the same as from the whole log", () => {
    fc.assert(
      fc.property(history, fc.nat(), (events, n) => {
        const cut = 1 + (n % events.length);
        const state = fold(events.slice(0, cut));
        if (state.status === "absent" || state.status === "finished") return;
        const carried = {
          type: "run-carried",
          seq: cut + 1,
          runId: state.id,
          data: { at: 7000, state: JSON.parse(JSON.stringify(state)) as typeof state },
        } as const;
        const rest = events.slice(cut).map((event) => ({ ...event, seq: event.seq + 1 }));
        expect(fold([carried, ...rest])).toEqual(fold([...events.slice(0, cut), carried, ...rest]));
      }),
      { numRuns: 2000 },
    );
  });

  test("performing diffs along the way arrives at the obligations of the end", () => {
    property((events) => {
      const held = new Set<string>();
      steps(events, (before, _event, after) => {
        const change = diff(obligations(before), obligations(after));
        for (const obligation of change.end) expect(held.delete(obligation.key)).toBe(true);
        for (const obligation of change.begin) held.add(obligation.key);
      });
      const expected = obligations(fold(events)).map((obligation) => obligation.key);
      expect([...held].toSorted()).toEqual(expected.toSorted());
    });
  });
});
