import { expect, test } from "vitest";
import { matcherOf } from "../src/bundle/globs.ts";

test.each([
  ["**/*.test.*", ["a.test.ts", "x/y/a.test.ts"], ["a.ts", "test.ts", "x/atest.ts"]],
  ["**/old/**", ["old/a.ts", "x/old/y/a.ts"], ["older/a.ts", "old"]],
  ["*.draft.ts", ["a.draft.ts"], ["x/a.draft.ts", "a.draft.tsx"]],
  ["src/?.ts", ["src/a.ts"], ["src/ab.ts", "src/.ts"]],
  ["./src/{a,b}.ts", ["src/a.ts", "src/b.ts"], ["src/c.ts", "src/a,b.ts"]],
  ["a+(b)[c].ts", ["a+(b)[c].ts"], ["aab.ts", "a+bc.ts"]],
  ["a,b}.ts", ["a,b}.ts"], ["a.ts"]],
])("%s", (pattern, matching, others) => {
  const matches = matcherOf([pattern]);
  expect(matching.filter((path) => !matches(path))).toEqual([]);
  expect(others.filter((path) => matches(path))).toEqual([]);
});

test("no pattern matches nothing", () => {
  expect(matcherOf([])("a.ts")).toBe(false);
});
