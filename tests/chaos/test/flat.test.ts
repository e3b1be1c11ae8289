import { expect, test } from "vitest";
import { courseOf, isFlat } from "../src/soak/flat.ts";

const course = (values: readonly number[]) =>
  courseOf(
    values.map((value, at) => ({ at, value })),
    { from: 0, to: values.length },
  );

test("a course has the medians of the quarters, and the most there was", () => {
  expect(course([1, 5, 3, 10, 10, 90, 20, 22, 21, 30, 31, 32])).toEqual({
    quarters: [3, 10, 21, 31],
    most: 90,
  });
  expect(course([1, 2, 3, 5, 5, 5, 7, 9]).quarters).toEqual([1.5, 4, 5, 8]);
});

test("what grows while it warms up, and stays then, is flat", () => {
  expect(isFlat(course([10, 50, 100, 101, 99, 100, 110, 119]))).toBe(true);
});

test("what goes on growing is not flat, unless it is by very little", () => {
  expect(isFlat(course([100, 100, 100, 100, 110, 110, 121, 121]))).toBe(false);
  expect(isFlat(course([1, 1, 1, 1, 3, 3, 5, 5]))).toBe(true);
  expect(isFlat(course([1, 1, 1, 1, 3, 3, 6, 6]))).toBe(false);
});

test("what shrinks, or starts again and again, is flat; what nothing is known of is not", () => {
  expect(isFlat(course([10, 80, 60, 50, 40, 30, 20, 10]))).toBe(true);
  expect(isFlat(course([60, 90, 60, 90, 60, 90, 60, 90]))).toBe(true);
  expect(isFlat(course([]))).toBe(false);
});
