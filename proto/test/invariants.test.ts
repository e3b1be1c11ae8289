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
} from "../src/index.ts";
import { history } from "./arbitrary-facts.ts";
import { INVARIANTS, steps } from "./invariants.ts";

/** More of them find what is rarer: `MILLRACE_RUNS=100000 npx vitest run proto`. */
const numRuns = Number(process.env["MILLRACE_RUNS"] ?? 2000);
const PATIENCE_MS = 30_000 + numRuns * 10;

const property = (check: (events: RunEvent[]) => void): void => {
  fc.assert(
    fc.property(history, (events) => {
      check(events);
    }),
    { numRuns },
  );
};

describe("SPEC.md", { timeout: PATIENCE_MS }, () => {
  test("1, 2: any log folds, to the same bytes each time", () => {
    property((events) => {
      expect(Buffer.compare(encodeBody(fold(events)), encodeBody(fold(events)))).toBe(0);
    });
  });

  test.each(INVARIANTS)("%s", (_name, check) => {
    property((events) => steps(events, check));
  });

  test("14: whatever was folded before changes nothing when it comes again", () => {
    property((events) => {
      let state = fold(events.slice(0, 1));
      for (const [i, event] of events.entries()) {
        state = evolve(state, event);
        const seen = events
          .slice(0, i + 1)
          .filter(({ seq }) => state.status !== "absent" && seq <= state.lastSeq);
        expect(fold(seen, state)).toBe(state);
      }
    });
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
      { numRuns },
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
      const expected = obligations(fold(events, initial)).map((obligation) => obligation.key);
      expect([...held].toSorted()).toEqual(expected.toSorted());
    });
  });
});
