import { expect, test } from "vitest";
import { environmentType } from "../src/index.ts";

test.each([
  ["dev", "DEVELOPMENT"],
  ["staging", "STAGING"],
  ["preview", "PREVIEW"],
  ["prod", "PRODUCTION"],
  ["acme", "PRODUCTION"],
  ["toString", "PRODUCTION"],
])("the environment %s is one of %s", (name, type) => {
  expect(environmentType(name)).toBe(type);
});
