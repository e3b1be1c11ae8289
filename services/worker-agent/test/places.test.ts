import fc from "fast-check";
import { expect, test } from "vitest";
import { MACHINE_SIZES, PRESETS } from "@millrace/proto";
import { fits, lanesOf, Places, unitsOf, type Lane } from "../src/agent/places.ts";

const total = unitsOf({ cpu: 2, memoryGb: 4 });
const lanes = lanesOf(PRESETS, MACHINE_SIZES, total, 3);

function lane(name: string): Lane {
  const found = lanes.find((each) => each.name === name);
  if (!found) throw new Error(`no lane ${name}`);
  return found;
}

test("a lane for every preset that fits, twice", () => {
  expect(lanes.map(({ name, capacity }) => [name, capacity])).toEqual([
    ["micro", 8],
    ["micro-shared", 3],
    ["small-1x", 4],
    ["small-1x-shared", 3],
    ["small-2x", 2],
    ["small-2x-shared", 3],
    ["medium-1x", 2],
    ["medium-1x-shared", 3],
    ["medium-2x", 1],
    ["medium-2x-shared", 3],
  ]);
});

test("runs of a process lane hold their size, those of a shared lane one size together", () => {
  const places = new Places(total, () => undefined);
  expect(places.take(lane("small-1x-shared"))).toBe(true);
  expect(places.take(lane("small-1x-shared"))).toBe(true);
  expect(places.fit(lane("small-1x"))).toBe(3);
  expect(places.fit(lane("small-1x-shared"))).toBe(1);
  expect(places.fit(lane("medium-2x"))).toBe(0);
  expect(places.take(lane("medium-2x"))).toBe(false);
});

test("a shared lane nobody uses is evicted for who needs its room", () => {
  const evicted: string[] = [];
  const places = new Places(total, ({ name }) => evicted.push(name));
  places.take(lane("small-1x-shared"));
  expect(places.close(lane("small-1x-shared"))).toBe(false);
  places.give(lane("small-1x-shared"));
  expect(places.fit(lane("medium-2x"))).toBe(1);
  expect(places.take(lane("small-1x"))).toBe(true);
  expect(evicted).toEqual([]);
  places.give(lane("small-1x"));
  expect(places.take(lane("medium-2x"))).toBe(true);
  expect(evicted).toEqual(["small-1x-shared"]);
  expect(places.fit(lane("small-1x-shared"))).toBe(0);
});

test("a run that goes on in a shared process needs its room, not a place", () => {
  const places = new Places(total, () => undefined);
  const shared = lane("small-1x-shared");
  for (let i = 0; i < 3; i++) places.take(shared);
  expect(places.take(shared)).toBe(false);
  expect(places.retake(shared)).toBe(true);
  expect(places.active(shared)).toBe(4);
  const closed = lane("micro-shared");
  places.take(lane("small-1x"));
  places.take(lane("small-2x"));
  expect(places.retake(closed)).toBe(false);
});

test("never more is held than there is, and everything comes back", () => {
  const step = fc.record({ lane: fc.constantFrom(...lanes), gives: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const places = new Places(total, () => undefined);
      const held: Lane[] = [];
      const open = new Set<Lane>();
      for (const { lane: each, gives } of steps) {
        const at = held.indexOf(each);
        if (gives && at >= 0) {
          held.splice(at, 1);
          places.give(each);
        } else if (!gives) {
          const fit = places.fit(each);
          expect(places.take(each)).toBe(fit > 0);
          if (fit > 0) held.push(each);
        }
        open.clear();
        for (const one of held) if (one.isolation === "shared") open.add(one);
        const sizes = [...held.filter((one) => one.isolation === "process"), ...open];
        const milliCpus = sizes.reduce((sum, { size }) => sum + size.milliCpus, 0);
        const mb = sizes.reduce((sum, { size }) => sum + size.mb, 0);
        expect(milliCpus).toBeLessThanOrEqual(total.milliCpus);
        expect(mb).toBeLessThanOrEqual(total.mb);
      }
      for (const each of held) places.give(each);
      for (const each of lanes) expect(places.active(each)).toBe(0);
      expect(places.fit(lane("medium-2x"))).toBe(1);
    }),
  );
});

test("sizes are counted in whole numbers", () => {
  const size = unitsOf({ cpu: 0.1, memoryGb: 0.1 });
  expect(fits(unitsOf({ cpu: 0.3, memoryGb: 0.3 }), size)).toBe(3);
});
