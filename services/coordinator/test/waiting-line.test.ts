/** Who is next in line. Pure. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Queued } from "@millrace/proto";
import { WaitingLine } from "../src/waiting-line.ts";
import { queued } from "./runs.ts";

function lineOf(...runs: readonly Queued[]): WaitingLine {
  const line = new WaitingLine();
  for (const run of runs) line.join(run);
  return line;
}

function drain(line: WaitingLine): string[] {
  const ids: string[] = [];
  for (let run = line.next(); run; run = line.next()) ids.push(run.id);
  return ids;
}

describe("a waiting line", () => {
  test.each<[string, readonly Queued[], readonly string[]]>([
    [
      "goes by the time the runs were queued",
      [queued("c", 1, { at: 3000 }), queued("a", 2, { at: 1000 }), queued("b", 3, { at: 2000 })],
      ["a", "b", "c"],
    ],
    [
      "goes by the place in the log when the times are equal",
      [queued("b", 7), queued("a", 5), queued("c", 9)],
      ["a", "b", "c"],
    ],
    [
      "gives a priority its head start, and no more",
      [
        queued("first", 1, { at: 1000 }),
        queued("late-and-urgent", 2, { at: 5000, priorityMs: 4500 }),
        queued("late-and-little-urgent", 3, { at: 5000, priorityMs: 3500 }),
        queued("late", 4, { at: 4900 }),
      ],
      ["late-and-urgent", "first", "late-and-little-urgent", "late"],
    ],
    [
      "holds a run with a negative priority back",
      [queued("patient", 1, { at: 1000, priorityMs: -500 }), queued("b", 2, { at: 1400 })],
      ["b", "patient"],
    ],
    [
      "puts a child in its parent's place",
      [queued("a", 1, { at: 2000 }), queued("child", 2, { at: 9000, orderAt: 1500 })],
      ["child", "a"],
    ],
  ])("%s", (_rule, runs, order) => {
    expect(drain(lineOf(...runs))).toEqual(order);
  });

  test("skips who has left", () => {
    const line = lineOf(queued("a", 1), queued("b", 2), queued("c", 3));
    expect(line.leave("b")).toBe(true);
    expect(line.leave("b")).toBe(false);
    expect(line.leave("nobody")).toBe(false);
    expect(line.size).toBe(2);
    expect(drain(line)).toEqual(["a", "c"]);
  });

  test("has a run once, however often it joins", () => {
    const run = queued("a", 1);
    const line = lineOf(run, run);
    expect(line.size).toBe(1);
    line.leave("a");
    line.join(run);
    expect(drain(line)).toEqual(["a"]);
    expect(line.size).toBe(0);
  });

  test("gives the newer admission of a run that has joined again", () => {
    const first = queued("a", 1);
    const again = { ...first, admission: 2 };
    const left = lineOf(first, queued("b", 2));
    left.leave("a");
    left.join(again);
    expect(left.next()).toBe(again);
    const overtaken = lineOf(first, again);
    expect(overtaken.next()).toBe(again);
    expect(overtaken.next()).toBeUndefined();
  });

  test("gives a run that has joined again as it is now, not as it was", () => {
    const before = queued("a", 1);
    const now = { ...before, agentSeq: 7 };
    const line = lineOf(before);
    line.leave("a");
    line.join(now);
    expect(line.next()).toBe(now);
    expect(line.next()).toBeUndefined();
  });

  test("gives everyone who is in line once, best first, whoever joins and leaves", () => {
    const step = fc.record({
      id: fc.integer({ min: 0, max: 9 }),
      at: fc.integer({ min: 0, max: 5 }),
      what: fc.constantFrom("join", "leave", "next"),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const line = new WaitingLine();
        const model = new Map<string, Queued>();
        const best = (): Queued | undefined =>
          [...model.values()].toSorted(
            (a, b) => a.trigger.at - b.trigger.at || a.triggeredSeq - b.triggeredSeq,
          )[0];
        for (const [i, { id, at, what }] of steps.entries()) {
          if (what === "join" && !model.has(`r${id}`)) {
            const run = { ...queued(`r${id}`, i + 1, { at }), admission: i + 1 };
            model.set(run.id, run);
            line.join(run);
          } else if (what === "leave") expect(line.leave(`r${id}`)).toBe(model.delete(`r${id}`));
          else if (what === "next") {
            const expected = best();
            expect(line.next()).toBe(expected);
            model.delete(expected?.id ?? "");
          }
          expect(line.size).toBe(model.size);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
