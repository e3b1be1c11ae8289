import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ERRORS } from "../src/index.ts";

test("docs/errors.md lists exactly the codes of the registry, with their status and meaning", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/errors.md"), "utf8");
  const rows = [...page.matchAll(/^\| `(\w+)` +\| (\d+) +\| (.+?) +\|$/gm)].map(
    ([, code, status, summary]) => [code, { status: Number(status), summary }],
  );
  expect(Object.fromEntries(rows)).toEqual(ERRORS);
});
