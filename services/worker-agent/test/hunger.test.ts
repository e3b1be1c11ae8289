import { expect, test } from "vitest";
import { MACHINE_SIZES } from "@millrace/proto";
import { Hunger, isSmaller } from "../src/agent/hunger.ts";
import { lanesOf, unitsOf } from "../src/agent/places.ts";

const total = unitsOf({ cpu: 2, memoryGb: 4 });
const [small, , big] = lanesOf(["small-1x", "medium-2x"], MACHINE_SIZES, total, 1);
if (!small || !big) throw new Error("lanes are missing");

test("a lane that was handed back is favoured after five seconds, until it is fed", () => {
  const hunger = new Hunger();
  hunger.handedBack(big, 0);
  expect(hunger.favoured(4999)).toBeUndefined();
  expect(hunger.favoured(5000)).toBe(big);
  hunger.fed(big);
  expect(hunger.favoured(9000)).toBeUndefined();
  expect(hunger.isTicking).toBe(false);
});

test("a pull with room that brings nothing for a second ends the hunger", () => {
  const hunger = new Hunger();
  hunger.handedBack(big, 0);
  expect(hunger.mayProbe(big, 1, 6000)).toBe(false);
  expect(hunger.favoured(6999)).toBe(big);
  expect(hunger.favoured(7000)).toBeUndefined();
});

test("a pull that lost its room again does not count", () => {
  const hunger = new Hunger();
  hunger.handedBack(big, 0);
  hunger.mayProbe(big, 1, 6000);
  hunger.mayProbe(big, 0, 6500);
  expect(hunger.favoured(8000)).toBe(big);
});

test("a lane that never has room may ask for one run all the same", () => {
  const hunger = new Hunger();
  expect(hunger.mayProbe(big, 0, 0)).toBe(false);
  expect(hunger.mayProbe(big, 0, 4999)).toBe(false);
  expect(hunger.mayProbe(big, 0, 5000)).toBe(true);
  // What it learns counts from when it had no room.
  hunger.handedBack(big, 5100);
  expect(hunger.favoured(5100)).toBe(big);
  expect(hunger.mayProbe(big, 0, 6000)).toBe(false);
});

test("who has waited longest is favoured", () => {
  const hunger = new Hunger();
  hunger.handedBack(small, 100);
  hunger.handedBack(big, 0);
  expect(hunger.favoured(9000)).toBe(big);
});

test("smaller is by CPUs, then by memory", () => {
  expect(isSmaller(small.size, big.size)).toBe(true);
  expect(isSmaller(big.size, small.size)).toBe(false);
  expect(isSmaller({ milliCpus: 1, mb: 1 }, { milliCpus: 1, mb: 2 })).toBe(true);
  expect(isSmaller({ milliCpus: 1, mb: 1 }, { milliCpus: 1, mb: 1 })).toBe(false);
});
