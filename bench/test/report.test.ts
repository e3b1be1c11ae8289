import { describe, expect, test } from "vitest";
import { reached, table } from "../src/report.ts";
import { percentile } from "../src/yardstick.ts";

describe("the report", () => {
  test.each([
    ["at least", 10, 9, true],
    ["at least", 10, 11, false],
    ["at most", 10, 9, false],
    ["at most", 10, 11, true],
  ] as const)("%s: %d against %d is reached: %s", (kind, value, bound, expected) => {
    expect(reached({ name: "x", value, unit: "", goal: { kind, bound, rule: "" } })).toBe(expected);
  });

  test("says so when a goal was missed", () => {
    const text = table({ publishesPerSecond: 40_000, roundTripMs: 0.25 }, [
      {
        name: "runs",
        value: 100,
        unit: "/s",
        goal: { kind: "at least", bound: 5000, rule: "Y/8" },
      },
    ]);
    expect(text).toContain("NOT reached");
    expect(text).toContain("5,000 (Y/8)");
  });
});

test("percentiles are nearest-rank", () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(percentile(values, 50)).toBe(50);
  expect(percentile(values, 99)).toBe(99);
  expect(percentile([7], 99)).toBe(7);
});
