import fc from "fast-check";
import { expect, test } from "vitest";
import {
  branchEnvironment,
  branchProblem,
  environmentType,
  keyEnvironment,
  keyPrefix,
} from "../src/index.ts";

test.each([
  ["dev", "DEVELOPMENT"],
  ["staging", "STAGING"],
  ["preview", "PREVIEW"],
  ["prod", "PRODUCTION"],
  ["acme", "PRODUCTION"],
  ["toString", "PRODUCTION"],
  ["preview-of-something", "PRODUCTION"],
  [branchEnvironment("feature/x"), "PREVIEW"],
])("the environment %s is one of %s", (name, type) => {
  expect(environmentType(name)).toBe(type);
});

const branches = fc.string({ minLength: 1, maxLength: 255, unit: "grapheme-ascii" });

test("a branch's environment is a token of subjects, of the preview keys, and the same each time", () => {
  fc.assert(
    fc.property(branches, (branch) => {
      const env = branchEnvironment(branch);
      expect(env).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
      expect(env).toBe(branchEnvironment(branch));
      expect([keyEnvironment(env), keyPrefix(env)]).toEqual(["preview", "tr_preview_"]);
    }),
  );
});

test("two branches have two environments, however alike they look", () => {
  fc.assert(
    fc.property(branches, branches, (a, b) => {
      fc.pre(a !== b);
      expect(branchEnvironment(a)).not.toBe(branchEnvironment(b));
    }),
  );
  const alike = ["a/b", "a-b", "a.b", "a b", "a//b", "A/b"];
  expect(new Set(alike.map(branchEnvironment)).size).toBe(alike.length);
  // For ever: their runs are kept under it.
  expect(branchEnvironment("feature/login")).toBe("preview-feature-login-c690090bd2d6810c");
});

test("an environment of another name has keys of its own", () => {
  for (const env of ["dev", "prod", "preview", "preview-x", "previews", "preview-x-0123"])
    expect(keyEnvironment(env)).toBe(env);
});

test.each([
  ["main", true],
  ["feature/ünder", false],
  ["a b", true],
  [" a", false],
  ["a\n", false],
  ["", false],
  ["x".repeat(255), true],
  ["x".repeat(256), false],
])("%j is a branch's name: %s", (branch, isOne) => {
  expect(branchProblem(branch) === undefined).toBe(isOne);
});
