import { expect, test } from "vitest";
import { isFlat, trendOf } from "../src/soak/flat.ts";

const every = (values: readonly number[]) => values.map((value, at) => ({ at, value }));

test("what grows while it warms up, and stays then, is flat", () => {
  const trend = trendOf(every([10, 50, 90, 100, 101, 99, 100, 100]));
  expect(trend?.mean).toBe(100);
  expect(trend && isFlat(trend, 1)).toBe(true);
});

test("what goes on growing is not flat, but within what is allowed", () => {
  const trend = trendOf(every([10, 20, 30, 40, 50, 60, 70, 80]));
  expect(trend).toEqual({ mean: 65, growth: 30 });
  expect(trend && isFlat(trend, 29)).toBe(false);
  expect(trend && isFlat(trend, 30)).toBe(true);
});

test("what shrinks is flat, and two samples are too few for a trend", () => {
  const trend = trendOf(every([10, 80, 60, 50, 40, 30]));
  expect(trend && isFlat(trend, 0)).toBe(true);
  expect(trendOf(every([1, 2, 3]))).toBeUndefined();
});
