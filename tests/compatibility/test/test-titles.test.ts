/** How a test named on the page is found in its file. */
import { expect, test } from "vitest";
import { TestFile } from "./test-titles.ts";

const file = new TestFile(`
test("alone", () => {});

describe("outer", () => {
  describe.each(["a"])("over %s", () => {
    it("does what is said", async () => {});
    test.skip("is not run", () => {});
  });

  test.each([
    [408, "late"],
    [429, "often"],
  ])("%i is %s", (code, word) => {
    expect(answer("wrong", code)).toBe(word);
  });
});
`);
const table = new TestFile(`
const CASES = [["a case", 1]];
test.each(CASES)("%s", () => {});
`);

test.each([
  "alone",
  "does what is said",
  "over %s › does what is said",
  "outer › over %s › does what is said",
  "outer › %i is %s",
  "408 is late",
])("%s is one of its tests", (name) => {
  expect(file.has(name)).toBe(true);
});

test.each([
  "gone",
  "outer › alone",
  "is not run",
  "409 is late",
  "408 is lat",
  "wrong › 408 is late",
])("%s is none", (name) => {
  expect(file.has(name)).toBe(false);
});

test("a row whose title is a text of its own is found by it", () => {
  expect(table.has("a case")).toBe(true);
  expect(table.has("another")).toBe(false);
});
