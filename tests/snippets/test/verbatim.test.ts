/** The snippets are what the documents say: unchanged, complete, and understood by the compiler. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { SNIPPETS } from "./catalogue.ts";
import { LEFT_OUT } from "./catalogue/left-out.ts";
import { hashOf, snippetIds } from "./regions.ts";

const HERE = join(import.meta.dirname, "..");
const ROOT = join(HERE, "../..");
/** Taken from the documents once: of all code blocks, those that are left out, too. */
const HASHES = JSON.parse(readFileSync(join(HERE, "hashes.json"), "utf8")) as Record<
  string,
  string
>;

describe("every code block of the documents", () => {
  test("is here once, or left out for a reason", () => {
    const here = SNIPPETS.map(({ id }) => id);
    expect(here.toSorted()).toEqual(snippetIds());
    expect([...here, ...Object.keys(LEFT_OUT)].toSorted()).toEqual(Object.keys(HASHES).toSorted());
  });

  test.each(SNIPPETS)("$id is as its document has it", ({ id }) => {
    expect(hashOf(id)).toBe(HASHES[id]);
  });
});

test("the compiler takes them all, but for what their documents have wrong", async () => {
  const output = await promisify(execFile)(
    process.execPath,
    [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", HERE, "--pretty", "false"],
    { cwd: HERE },
  ).then(
    ({ stdout }) => stdout,
    ({ stdout }: { stdout: string }) => stdout,
  );
  const found: Record<string, number[]> = {};
  for (const [, file = "", code] of output.matchAll(/^(\S+)\(\d+,\d+\): error TS(\d+)/gm))
    (found[basename(file).replace(/\.tsx?$/, "")] ??= []).push(Number(code));
  const expected = SNIPPETS.flatMap(({ id, diagnostics }) =>
    diagnostics ? [[id, diagnostics.codes] as const] : [],
  );
  expect(found).toEqual(Object.fromEntries(expected));
});
