/** Slots given in memory: per concurrency key, and under a rate limit. Pure: the log is a list here. */
import fc from "fast-check";
import type { RateLimit, Slot } from "@millrace/proto";
import { describe, expect, test } from "vitest";
import { open, run, World, type Start } from "./simulated-leader.ts";

describe("a limit per key", () => {
  test("is each key's own, and runs without a key are a line of their own", () => {
    const { gate, granted } = open(2);
    for (const id of ["a1", "a2", "a3"]) gate.join(run(id, "a"));
    for (const id of ["b1", "b2", "b3"]) gate.join(run(id, "b"));
    for (const id of ["u1", "u2", "u3"]) gate.join(run(id));
    expect(granted).toEqual(["a1", "a2", "b1", "b2", "u1", "u2"]);
  });

  test("says in the grant which key it is of, and that no broker gave it", () => {
    const { gate, onTheirWay } = open(1);
    gate.join(run("a1", "a"));
    gate.join(run("u1"));
    expect(onTheirWay.map(({ data }) => data)).toEqual([
      { at: 1000, queue: "q", slotId: "a1-1", reply: "", admission: 1, key: "a" },
      { at: 1000, queue: "q", slotId: "u1-1", reply: "", admission: 1, key: "" },
    ]);
  });

  test("counts a grant on its way as held, and gives it on when it did not apply", () => {
    const leader = open(1);
    for (const id of ["a1", "a2", "a3"]) leader.gate.join(run(id, "a"));
    expect(leader.granted).toEqual(["a1"]);
    leader.storeTooLate();
    expect(leader.granted).toEqual(["a1", "a2"]);
    leader.store();
    leader.finish("a2");
    expect(leader.granted).toEqual(["a1", "a2", "a3"]);
  });

  test("gives a key's next slot to its best run, and to nobody who has left", () => {
    const leader = open(1);
    leader.gate.join(run("a1", "a"));
    leader.storeAll();
    leader.gate.join(run("late", "a", { at: 9000 }));
    leader.gate.join(run("gone", "a", { at: 1000 }));
    leader.gate.join(run("urgent", "a", { at: 9500, priorityMs: 8000 }));
    leader.gate.leave("gone");
    leader.finish("a1");
    leader.storeAll();
    leader.finish("urgent");
    expect(leader.granted).toEqual(["a1", "urgent", "late"]);
  });

  test("of 0 gives nothing; opened again, keys are served in the order of their runs", () => {
    const leader = open(0);
    leader.gate.join(run("c1", "c", { at: 3000 }));
    leader.gate.join(run("a1", "a", { at: 1000 }));
    leader.gate.join(run("b1", "b", { at: 2000 }));
    leader.gate.join(run("urgent", "d", { at: 9000, priorityMs: 8500 }));
    expect(leader.granted).toEqual([]);
    leader.set(1);
    expect(leader.granted).toEqual(["urgent", "a1", "b1", "c1"]);
  });

  test("that is raised serves every key, and lowered takes nothing away", () => {
    const leader = open(1);
    for (const key of ["a", "b"])
      for (const n of [1, 2, 3, 4]) leader.gate.join(run(`${key}${n}`, key));
    leader.storeAll();
    leader.set(2);
    expect(leader.granted).toEqual(["a1", "b1", "a2", "b2"]);
    leader.storeAll();
    leader.set(1);
    leader.finish("a1");
    expect(leader.granted).toHaveLength(4);
    leader.finish("a2");
    expect(leader.granted).toEqual(["a1", "b1", "a2", "b2", "a3"]);
  });

  test("counts slots the broker has given to runs without a key", () => {
    const leader = open(2);
    leader.elsewhere = 2;
    leader.gate.join(run("u1"));
    leader.gate.join(run("a1", "a"));
    expect(leader.granted).toEqual(["a1"]);
    leader.elsewhere = 1;
    leader.gate.freed("");
    expect(leader.granted).toEqual(["a1", "u1"]);
  });

  test("gives runs that go on after a wait precedence over new ones", () => {
    const leader = open(1);
    leader.gate.join(run("a1", "a"));
    leader.storeAll();
    leader.gate.join(run("a2", "a", { at: 1000 }));
    leader.gate.join({ ...run("a3", "a", { at: 2000 }), continues: true });
    leader.finish("a1");
    expect(leader.granted).toEqual(["a1", "a3"]);
  });

  test("gives one slot for one admission, also when the run asks again while its grant is on its way", () => {
    const leader = open(5);
    const a1 = run("a1", "a");
    leader.gate.join(a1);
    leader.gate.join(a1);
    expect(leader.granted).toEqual(["a1"]);
    leader.storeAll();
    leader.finish("a1");
    expect(leader.gate.holdsUnkeyed).toBe(false);
    for (const n of [2, 3, 4, 5, 6]) leader.gate.join(run(`a${n}`, "a"));
    expect(leader.granted).toHaveLength(6);
  });

  test("is kept for launching when a predecessor's grant comes after its slot was given on", () => {
    const leader = open(1);
    leader.gate.join(run("a1", "a"));
    leader.storeAll();
    const late = run("late", "a");
    const slot: Slot = { slotId: "late-1", queue: "q", reply: "", key: "a" };
    expect(leader.gate.mayLaunch(late, slot)).toBe(false);
    leader.gate.hold(slot);
    leader.gate.join(run("a2", "a"));
    expect(leader.launched).toEqual(["a1"]);
    leader.finish("a1");
    expect(leader.launched).toEqual(["a1", "late"]);
    expect(leader.granted).toEqual(["a1"]);
    leader.gate.release(slot);
    expect(leader.granted).toEqual(["a1", "a2"]);
  });
});

describe("a rate limit", () => {
  const rate: RateLimit = { limit: 2, periodMs: 100, per: "queue" };

  test("lets so many start in a period, and wakes for the next", () => {
    const leader = open(null, rate);
    for (const id of ["r1", "r2", "r3", "r4", "r5"]) leader.gate.join(run(id));
    expect(leader.granted).toEqual(["r1", "r2"]);
    expect(leader.onTheirWay[0]?.data).toMatchObject({ key: "", rated: true, reply: "" });
    expect(leader.wakeAt).toBe(1100);
    leader.pass(99);
    expect(leader.granted).toHaveLength(2);
    leader.pass(1);
    expect(leader.granted).toEqual(["r1", "r2", "r3", "r4"]);
    expect(leader.wakeAt).toBe(1200);
  });

  test("of the queue goes round its keys, in the order of their runs", () => {
    const leader = open(null, { ...rate, limit: 1 });
    for (const n of [1, 2, 3]) leader.gate.join(run(`a${n}`, "a", { at: 1000 + n }));
    leader.gate.join(run("c1", "c", { at: 3000 }));
    leader.gate.join(run("b1", "b", { at: 2000 }));
    for (let i = 0; i < 5; i++) leader.pass(100);
    expect(leader.granted).toEqual(["a1", "a2", "b1", "c1", "a3"]);
  });

  test("of each key holds nobody back but that key", () => {
    const leader = open(null, { ...rate, limit: 1, per: "key" });
    leader.gate.join(run("a1", "a"));
    leader.gate.join(run("a2", "a"));
    leader.pass(50);
    leader.gate.join(run("b1", "b"));
    leader.gate.join(run("b2", "b"));
    expect(leader.granted).toEqual(["a1", "b1"]);
    leader.pass(50);
    expect(leader.granted).toEqual(["a1", "b1", "a2"]);
    expect(leader.wakeAt).toBe(1150);
    leader.pass(50);
    expect(leader.granted).toEqual(["a1", "b1", "a2", "b2"]);
  });

  test("is no matter for a run that goes on after a wait", () => {
    const leader = open(1, rate);
    for (const id of ["a1", "b1"]) leader.gate.join(run(id, id));
    leader.gate.join({ ...run("c1", "c"), continues: true });
    expect(leader.granted).toEqual(["a1", "b1", "c1"]);
    expect(leader.onTheirWay[2]?.data).not.toHaveProperty("rated");
  });

  test("gives the place of a start that did not happen to the next", () => {
    const leader = open(null, { ...rate, limit: 1 });
    leader.gate.join(run("r1"));
    leader.gate.join(run("r2"));
    leader.storeTooLate();
    expect(leader.granted).toEqual(["r1", "r2"]);
  });

  test("that is changed acts at once", () => {
    const leader = open(null, { limit: 1, periodMs: 3_600_000, per: "key" });
    for (const n of [1, 2, 3, 4]) leader.gate.join(run(`a${n}`, "a"));
    leader.storeAll();
    leader.set(null, { limit: 2, periodMs: 3_600_000, per: "key" });
    expect(leader.granted).toEqual(["a1", "a2"]);
    leader.pass(100);
    leader.set(null, { limit: 1, periodMs: 100, per: "key" });
    expect(leader.granted).toEqual(["a1", "a2", "a3"]);
    leader.set(null);
    expect(leader.granted).toEqual(["a1", "a2", "a3", "a4"]);
  });

  test("is kept by a leader whose clock is behind", () => {
    const leader = open(null, rate);
    leader.starts.restore([{ env: "dev", queue: "q", starts: [["", [1500]]] }]);
    for (const id of ["r1", "r2"]) leader.gate.join(run(id));
    expect(leader.ats).toEqual([{ key: "", at: 1500 }]);
    expect(leader.wakeAt).toBe(1600);
  });
});

const worlds = fc.record({
  limit: fc.option(fc.integer({ min: 1, max: 3 }), { nil: null }),
  rate: fc.option(
    fc.record({
      limit: fc.integer({ min: 1, max: 3 }),
      periodMs: fc.integer({ min: 1, max: 40 }),
      per: fc.constantFrom("queue" as const, "key" as const),
    }),
    { nil: undefined },
  ),
  steps: fc.array(
    fc.record({
      what: fc.constantFrom(
        "join",
        "join",
        "leave",
        "store",
        "store",
        "too-late",
        "finish",
        "pass",
        "close",
        "open",
        "take-over",
      ),
      key: fc.constantFrom(undefined, "a", "b", "c"),
      continues: fc.boolean(),
      pick: fc.nat(),
    }),
    { maxLength: 120 },
  ),
});

test("whatever happens, and whoever leads: no limit is exceeded, and everyone who waits is granted a slot in the end", () => {
  fc.assert(
    fc.property(worlds, ({ limit, rate, steps }) => {
      const world = new World(limit, rate);
      for (const [i, { key, ...step }] of steps.entries())
        world.step(i, { ...step, ...(key === undefined ? {} : { key }) });
      const { waiting, ats } = world.end();
      expect(waiting).toBe(0);
      expect(world.most).toBeLessThanOrEqual(limit ?? Infinity);
      if (rate) expectRate(ats, rate);
    }),
    { numRuns: 500 },
  );
});

function expectRate(starts: readonly Start[], { limit, periodMs, per }: RateLimit): void {
  const lines = new Map<string, number[]>();
  for (const { key, at } of starts) {
    const line = per === "queue" ? "" : key;
    lines.set(line, [...(lines.get(line) ?? []), at]);
  }
  for (const line of lines.values()) {
    expect(line).toEqual(line.toSorted((a, b) => a - b));
    for (let i = limit; i < line.length; i++)
      expect((line[i] ?? 0) - (line[i - limit] ?? 0)).toBeGreaterThanOrEqual(periodMs);
  }
}

test("admitting a run costs the same among 10,000 keys as among 10, with 50,000 waiting of one", () => {
  /** Milliseconds for one admission: a slot given back, the next granted, another run in line. */
  const cost = (keys: number): number => {
    const leader = open(1);
    for (let i = 0; i < keys; i++)
      for (const n of [1, 2]) leader.gate.join(run(`k${i}-${n}`, `key${i}`));
    for (let i = 0; i < 50_000; i++) leader.gate.join(run(`big${i}`, "big"));
    leader.storeAll();
    const admissions = 20_000;
    const startedAt = performance.now();
    for (let i = 0; i < admissions; i++) {
      leader.finish(`big${i}`);
      leader.store();
      leader.gate.join(run(`more${i}`, "big"));
    }
    const spent = performance.now() - startedAt;
    expect(leader.granted).toHaveLength(keys + 1 + admissions);
    return spent / admissions;
  };
  cost(10);
  const best = (keys: number): number => Math.min(cost(keys), cost(keys));
  expect(best(10_000) / best(10)).toBeLessThan(3);
});
