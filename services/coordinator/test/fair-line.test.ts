/** Whose turn it is among concurrency keys. Pure. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FairLine } from "../src/fair-line.ts";
import { queued } from "./runs.ts";

/** Runs named by their key and a number, in line by the times given for each key. */
function lineOf(keys: Readonly<Record<string, readonly number[]>>): FairLine {
  const line = new FairLine();
  for (const [key, ats] of Object.entries(keys))
    for (const [i, at] of ats.entries()) line.join(key, queued(`${key}${i}`, at, { at }));
  return line;
}

function drain(line: FairLine, count = Infinity): string[] {
  const ids: string[] = [];
  while (ids.length < count) {
    const run = line.next();
    if (!run) break;
    ids.push(run.id);
  }
  return ids;
}

describe("keys in line", () => {
  test.each([
    ["one key: in the order of its runs", { a: [1000, 3000, 2000] }, ["a0", "a2", "a1"]],
    [
      "take turns, in each round in the order of their best runs",
      { a: [1000, 1001, 1002], b: [5000, 5001], c: [3000] },
      ["a0", "c0", "b0", "a1", "b1", "a2"],
    ],
    [
      "of one run each: in the order of the runs",
      { a: [3000], b: [1000], c: [2000] },
      ["b0", "c0", "a0"],
    ],
  ])("%s", (_rule, keys, order) => {
    expect(drain(lineOf(keys))).toEqual(order);
  });

  test("that come later wait for their turn in the next round, not for others' lines", () => {
    const line = lineOf({ a: [1, 2, 3, 4], b: [5, 6, 7] });
    expect(drain(line, 1)).toEqual(["a0"]);
    line.join("late", queued("late0", 100, { at: 100 }));
    expect(drain(line)).toEqual(["b0", "a1", "b1", "late0", "a2", "b2", "a3"]);
  });

  test("with a head start come into the round that is under way", () => {
    const line = lineOf({ a: [1000, 1001], b: [2000, 2001] });
    expect(drain(line, 1)).toEqual(["a0"]);
    line.join("urgent", queued("urgent0", 9000, { at: 9000, priorityMs: 8500 }));
    expect(drain(line)).toEqual(["urgent0", "b0", "a1", "b1"]);
  });

  test("that are set aside lose their turn until they are let in", () => {
    const line = lineOf({ a: [1, 2], b: [3, 4] });
    line.setAside("a");
    expect(drain(line, 1)).toEqual(["b0"]);
    line.letIn("a");
    expect(drain(line)).toEqual(["a0", "a1", "b1"]);
  });

  test("cannot be set aside while nobody waits for them", () => {
    const line = lineOf({ a: [1] });
    line.leave("a0");
    line.setAside("a");
    line.join("a", queued("a1", 2, { at: 2 }));
    expect(drain(line)).toEqual(["a1"]);
  });

  test("have nobody in line when all have left or were served", () => {
    const line = lineOf({ a: [1], b: [2], c: [3] });
    line.leave("b0");
    expect([line.hasKey("a"), line.hasKey("b")]).toEqual([true, false]);
    drain(line);
    expect([line.hasKey("a"), line.size]).toEqual([false, 0]);
    expect(line.leave("b0")).toBe(false);
  });

  test("a key that always gets a better run is not put off by that", () => {
    const line = lineOf({ a: [1000, 1001, 1002], b: [5000] });
    expect(drain(line, 1)).toEqual(["a0"]);
    for (let at = 4999; at > 4990; at--) line.join("b", queued(`better${at}`, at, { at }));
    expect(drain(line, 1)).toEqual(["better4991"]);
  });
});

test("whatever joins, leaves and is set aside: everyone let in is served, and no key is passed for long", () => {
  const step = fc.record({
    what: fc.constantFrom("join", "leave", "next", "aside", "in"),
    key: fc.constantFrom("a", "b", "c"),
    at: fc.integer({ min: 0, max: 20 }),
    pick: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const line = new FairLine();
      const waiting = new Map<string, string>();
      const aside = new Set<string>();
      const passed = new Passed();
      const hasRuns = (key: string): boolean => [...waiting.values()].includes(key);
      const serve = (): void => {
        const open = new Set([...waiting.values()].filter((key) => !aside.has(key)));
        const run = line.next();
        expect(run === undefined).toBe(open.size === 0);
        const served = waiting.get(run?.id ?? "");
        if (!run || served === undefined) return;
        expect(open).toContain(served);
        waiting.delete(run.id);
        // By turns it is once; a better run that comes may go before those of its round.
        expect(passed.by(served, open)).toBeLessThanOrEqual(4);
      };
      for (const [i, { what, key, at, pick }] of steps.entries()) {
        const actions = {
          join: () => {
            line.join(key, queued(`r${i}`, i, { at }));
            waiting.set(`r${i}`, key);
          },
          leave: () => {
            const [runId = "nobody"] = [...waiting.keys()].slice(pick % (waiting.size + 1));
            expect(line.leave(runId)).toBe(waiting.delete(runId));
          },
          aside: () => {
            if (hasRuns(key)) aside.add(key);
            line.setAside(key);
          },
          in: () => {
            aside.delete(key);
            line.letIn(key);
          },
          next: serve,
        };
        actions[what]();
        for (const each of ["a", "b", "c"]) {
          if (!hasRuns(each)) aside.delete(each);
          if (aside.has(each) || !hasRuns(each)) passed.forget(each);
        }
        expect(line.size).toBe(waiting.size);
      }
    }),
    { numRuns: 500 },
  );
});

/** How often one key was served while another one could have been. */
class Passed {
  readonly #counts = new Map<string, Map<string, number>>();

  /** The most often that `served` has passed one of the others since that one was served or came. */
  by(served: string, open: ReadonlySet<string>): number {
    this.forget(served);
    let most = 0;
    for (const other of open) {
      if (other === served) continue;
      const counts = this.#counts.get(other) ?? new Map<string, number>();
      const count = (counts.get(served) ?? 0) + 1;
      this.#counts.set(other, counts.set(served, count));
      most = Math.max(most, count);
    }
    return most;
  }

  forget(key: string): void {
    this.#counts.delete(key);
  }
}
