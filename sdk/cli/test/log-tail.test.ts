import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tailOfLog } from "../src/log-tail.ts";
import { tempDir } from "./temp-dir.ts";

function logOf(text: string): string {
  const file = join(tempDir(), "service.log");
  writeFileSync(file, text);
  return file;
}

test("the last lines, structured ones as their message and stack", () => {
  const file = logOf(
    [
      "plain",
      "",
      JSON.stringify({ level: 30, msg: "started" }),
      JSON.stringify({ level: 60, msg: "uncaught error", err: { stack: "Error: no\n    at x" } }),
      "{ not JSON",
    ].join("\n"),
  );
  expect(tailOfLog(file, 0, 4)).toEqual(["uncaught error", "Error: no", "    at x", "{ not JSON"]);
});

test("what was written before the process began is not its", () => {
  expect(tailOfLog(logOf("old\nnew\n"), 4, 10)).toEqual(["new"]);
});

test("a line cut in two by the window is left out", () => {
  const lines = tailOfLog(logOf(`${"x".repeat(20_000)}\nlast\n`), 0, 10);
  expect(lines).toEqual(["last"]);
});

test("no file, no lines", () => {
  expect(tailOfLog(join(tempDir(), "none.log"), 0, 10)).toEqual([]);
});
