/** What a rate limit is checked against. Pure. */
import fc from "fast-check";
import type { EventData, RateLimit } from "@millrace/proto";
import { describe, expect, test } from "vitest";
import { RateLimiter } from "../src/rate-limiter.ts";
import { RatedStarts } from "../src/rated-starts.ts";

const perQueue: RateLimit = { limit: 3, periodMs: 100, per: "queue" };
const perKey: RateLimit = { ...perQueue, per: "key" };

function started(...starts: readonly (readonly [key: string, at: number])[]): RateLimiter {
  const limiter = new RateLimiter();
  for (const [i, [key, at]] of starts.entries()) limiter.started(key, `slot${i}`, at);
  return limiter;
}

describe("the next start", () => {
  test.each<[string, RateLimit, readonly (readonly [string, number])[], number]>([
    ["is at once when there was none", perQueue, [], 1000],
    [
      "is at once below the limit",
      perQueue,
      [
        ["a", 990],
        ["b", 999],
      ],
      1000,
    ],
    [
      "waits for the oldest of the last to be a period ago",
      perQueue,
      [
        ["a", 950],
        ["b", 990],
        ["c", 999],
      ],
      1050,
    ],
    [
      "is at once when the oldest is exactly a period ago",
      perQueue,
      [
        ["a", 900],
        ["b", 990],
        ["c", 999],
      ],
      1000,
    ],
    [
      "counts by key where the limit is each key's",
      perKey,
      [
        ["a", 950],
        ["b", 990],
        ["b", 999],
        ["b", 999],
      ],
      1000,
    ],
    [
      "waits for its own key",
      perKey,
      [
        ["a", 950],
        ["a", 990],
        ["a", 999],
        ["b", 901],
      ],
      1050,
    ],
    [
      "waits for more than one when the limit was lowered",
      { ...perQueue, limit: 1 },
      [
        ["a", 950],
        ["a", 990],
      ],
      1090,
    ],
  ])("%s", (_rule, rate, starts, at) => {
    expect(started(...starts).nextAt(rate, "a", 1000)).toBe(at);
  });

  test("is not earlier than the last one, also by a clock that is behind", () => {
    const limiter = started(["a", 5000]);
    expect(limiter.clock(4000)).toBe(5000);
    expect(limiter.clock(6000)).toBe(6000);
  });

  test("counts one whose grant is on its way, once, and not when it did not apply", () => {
    const limiter = new RateLimiter();
    const rate = { ...perQueue, limit: 2 };
    limiter.reserve("a", "s1", 1000);
    limiter.reserve("a", "s2", 1000);
    expect(limiter.nextAt(rate, "a", 1000)).toBe(1100);
    limiter.started("a", "s1", 1000);
    expect(limiter.nextAt(rate, "a", 1000)).toBe(1100);
    limiter.takeBack("s2");
    limiter.takeBack("s1");
    expect(limiter.nextAt(rate, "a", 1000)).toBe(1000);
    expect(limiter.stored()).toEqual([["a", [1000]]]);
  });

  test("remembers a period, and what clocks may differ by, and nothing older", () => {
    const limiter = started(["a", 1000], ["b", 1050]);
    limiter.prune(1099, 100);
    limiter.prune(11_099, 100);
    expect(limiter.stored()).toEqual([
      ["a", [1000]],
      ["b", [1050]],
    ]);
    limiter.prune(11_100, 100);
    expect(limiter.stored()).toEqual([["b", [1050]]]);
    limiter.prune(11_150, 100);
    expect(limiter.isEmpty).toBe(true);
  });
});

const rates = fc.record({
  limit: fc.integer({ min: 1, max: 5 }),
  periodMs: fc.integer({ min: 1, max: 50 }),
  per: fc.constantFrom("queue", "key"),
});
const asks = fc.array(
  fc.record({
    key: fc.constantFrom("", "a", "b"),
    /** Sometimes the clock goes back: another leader's. */
    passed: fc.integer({ min: -10, max: 40 }),
    applies: fc.boolean(),
  }),
  { maxLength: 150 },
);

test("never more than the limit start in any period, and nobody is kept waiting for more than that", () => {
  fc.assert(
    fc.property(rates, asks, (rate, steps) => {
      const limiter = new RateLimiter();
      const starts: { key: string; at: number }[] = [];
      let time = 1000;
      for (const [i, { key, passed, applies }] of steps.entries()) {
        time += passed;
        const now = limiter.clock(time);
        const counted = starts.filter(
          (start) => start.at > now - rate.periodMs && (rate.per === "queue" || start.key === key),
        );
        const isFree = limiter.nextAt(rate, key, now) <= now;
        expect(isFree).toBe(counted.length < rate.limit);
        if (!isFree) continue;
        limiter.reserve(key, `s${i}`, now);
        if (applies) {
          limiter.started(key, `s${i}`, now);
          starts.push({ key, at: now });
        } else limiter.takeBack(`s${i}`);
      }
    }),
    { numRuns: 500 },
  );
});

test("what is restored from the log, or from a snapshot and the rest of it, decides as before", () => {
  const grants = fc.array(
    fc.record({
      key: fc.constantFrom("a", "b"),
      passed: fc.nat({ max: 3000 }),
      rated: fc.boolean(),
    }),
    { maxLength: 100 },
  );
  fc.assert(
    fc.property(rates, grants, fc.nat(), (rate, steps, pick) => {
      let at = 1000;
      const events = steps.map(({ key, passed, rated }, i): EventData<"slot-granted"> => {
        at += passed;
        const grant = { queue: "q", slotId: `s${i}`, reply: "", admission: 1 };
        return { ...grant, at, key, ...(rated ? { rated } : {}) };
      });
      const fold = (starts: RatedStarts, from: number): RatedStarts => {
        for (const event of events.slice(from)) starts.granted("dev", event);
        return starts;
      };
      const live = fold(new RatedStarts(() => rate.periodMs), 0);
      const cut = pick % (events.length + 1);
      const before = new RatedStarts(() => rate.periodMs);
      for (const event of events.slice(0, cut)) before.granted("dev", event);
      const after = new RatedStarts(() => rate.periodMs);
      after.restore(before.stored());
      expect(fold(after, cut).stored()).toEqual(live.stored());
      for (const key of ["a", "b", "new"])
        expect(after.of("dev", "q").nextAt(rate, key, at)).toBe(
          live.of("dev", "q").nextAt(rate, key, at),
        );
    }),
  );
});

test("queues whose starts are all past are forgotten, also when their limit is not known", () => {
  const starts = new RatedStarts((_, queue) => (queue === "known" ? 1000 : undefined));
  for (const queue of ["known", "unknown"])
    starts.granted("dev", {
      at: 5000,
      queue,
      slotId: "s",
      reply: "",
      admission: 1,
      key: "",
      rated: true,
    });
  starts.prune(16_000);
  expect(starts.stored().map(({ queue }) => queue)).toEqual(["unknown"]);
  starts.prune(15_000 + 3_600_000);
  expect(starts.stored()).toEqual([]);
});
