/** What is broken on purpose must still be there to be broken: `npm run mutations` breaks it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MUTATIONS } from "../src/mutations/mutations.ts";

const root = join(import.meta.dirname, "../../..");

test.each(MUTATIONS)("$name: its source text stands exactly once in $file", (mutation) => {
  const { file, source, replacement } = mutation;
  const text = readFileSync(join(root, file), "utf8");
  expect(text.split(source)).toHaveLength(2);
  expect(replacement).not.toBe(source);
});

test("there are enough of them, each with a name of its own", () => {
  expect(MUTATIONS.length).toBeGreaterThanOrEqual(10);
  expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
});
