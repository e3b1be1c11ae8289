import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readArguments } from "../arguments.mjs";
import type { Options } from "../src/options.ts";
import { tempDir } from "./temp-dir.ts";

const places = { cwd: "/work", defaultDataDir: "/repo/.millrace" };
const defaults: Options = {
  once: false,
  tasksDir: null,
  port: null,
  dataDir: "/repo/.millrace",
  durability: null,
};

test.each<[string[], Partial<Options>]>([
  [[], {}],
  [["--once"], { once: true }],
  [["--port", "8080"], { port: 8080 }],
  [["--port=0"], { port: 0 }],
  [["--port", "65535"], { port: 65_535 }],
  [["--durability", "strict"], { durability: "strict" }],
  [["--data", "store"], { dataDir: "/work/store" }],
  [["--data", "/var/store"], { dataDir: "/var/store" }],
  [["--once", "--port", "1", "--data", "d"], { once: true, port: 1, dataDir: "/work/d" }],
])("%j is understood", (argv, expected) => {
  expect(readArguments(argv, places)).toEqual({
    kind: "run",
    options: { ...defaults, ...expected },
  });
});

test("a tasks folder is found from where the user is", () => {
  const cwd = tempDir();
  expect(readArguments(["--tasks", "."], { ...places, cwd })).toMatchObject({
    options: { tasksDir: cwd },
  });
});

test.each([["--help"], ["-h"], ["--once", "-h"]])("%j asks for help", (...argv) => {
  expect(readArguments(argv, places)).toMatchObject({ kind: "help" });
});

test.each<[string[], string]>([
  [["--bogus"], "--bogus"],
  [["-x"], "-x"],
  [["demo"], "demo"],
  [["--once=yes"], "--once"],
  [["--port"], "--port"],
  [["--port", "http"], '"http"'],
  [["--port", "65536"], "65535"],
  [["--port=-1"], '"-1"'],
  [["--port", "3.5"], '"3.5"'],
  [["--port="], 'not ""'],
  [["--tasks", "/no/such/folder"], "/no/such/folder"],
  [["--tasks="], 'no folder ""'],
  [["--tasks", "/", "--once"], "--once"],
  [["--data="], '""'],
  [["--durability", "high"], '"high"'],
])("%j is refused", (argv, named) => {
  const parsed = readArguments(argv, places);
  expect(parsed.kind).toBe("error");
  expect(parsed).toMatchObject({ message: expect.stringContaining(named) as string });
});

test("a file is no folder", () => {
  const file = join(tempDir(), "file");
  writeFileSync(file, "");
  expect(readArguments(["--tasks", file], places)).toMatchObject({ kind: "error" });
  expect(readArguments(["--data", file], places)).toMatchObject({ kind: "error" });
});
