/** Versions of the broker, compared. Pure. */
import { expect, test } from "vitest";
import { isAtLeast } from "../src/index.ts";

test.each([
  ["2.12.0", "2.12.0", true],
  ["2.12.1", "2.12.0", true],
  ["2.15.1", "2.12.9", true],
  ["3.0.0", "2.12.0", true],
  ["v2.12.0", "2.12.0", true],
  ["2.12.0-RC.3", "2.12.0", true],
  ["2.11.99", "2.12.0", false],
  ["1.99.99", "2.12.0", false],
  ["2.12", "2.12.0", false],
  ["", "2.12.0", false],
])("version %s is at least %s: %s", (version, minimum, expected) => {
  expect(isAtLeast(version, minimum)).toBe(expected);
});
