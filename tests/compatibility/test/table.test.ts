/** Holds `docs/compatibility.md` to the code, both ways. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as sdk from "@millrace/sdk";
import {
  DEFAULT_PRESET,
  IDEMPOTENCY_TTL_MS,
  isRetryable,
  LIMITS,
  MACHINE_SIZES,
  outcomeOf,
  PRESETS,
  RETRY_DEFAULTS,
} from "@millrace/proto";
import { describe, expect, test } from "vitest";
import { readPage, ROOT, type Row } from "./page.ts";
import { TestFile } from "./test-titles.ts";

const page = readPage();
const of = (section: string): readonly Row[] => page.filter((row) => row.section === section);
const nameOf = (row: Row): string => `${row.section} › ${Object.values(row.cells)[0]}`;
const source = (path: string): string => readFileSync(join(ROOT, path), "utf8");

const files = new Map<string, TestFile>();
function testFile(path: string): TestFile | undefined {
  if (!existsSync(join(ROOT, path))) return undefined;
  const file = files.get(path) ?? new TestFile(source(path));
  files.set(path, file);
  return file;
}

describe("every row", () => {
  test("has a status: works, differs, not yet or own; and the last three say what there is", () => {
    expect(page.length).toBeGreaterThan(300);
    const without = page.filter(
      ({ status }) => !/^(works(: .+)?|differs: .+|not yet: .+|own: .+)$/.test(status),
    );
    expect(without.map(nameOf)).toEqual([]);
  });

  test("names a test that exists", () => {
    const without = page.filter(({ file, test: name }) => !testFile(file)?.has(name));
    expect(without.map((row) => `${nameOf(row)}: ${row.file} › ${row.test}`)).toEqual([]);
  });

  test("is there once", () => {
    const names = page.map(nameOf);
    expect(names.filter((name, n) => names.indexOf(name) !== n)).toEqual([]);
  });
});

describe("exports", () => {
  const isThere = ({ status }: Row): boolean => !status.startsWith("not yet");

  test("each value has one row, and what the page says is there, or is not, is so", () => {
    const said = of("Exports").flatMap((row) => row.names.map((name) => [name, isThere(row)]));
    const names = said.map(([name]) => name);
    expect(names.filter((name, n) => names.indexOf(name) !== n)).toEqual([]);
    expect(Object.keys(sdk).filter((name) => !names.includes(name))).toEqual([]);
    expect(said).toEqual(names.map((name) => [name, String(name) in sdk]));
  });

  test("each type has one row, and is there", () => {
    const types = [...source("sdk/typescript/src/index.ts").matchAll(/export type \{([^}]*)\}/g)]
      .flatMap(([, list = ""]) => list.split(","))
      .map((item) => item.trim().split(" as ").at(-1) ?? "")
      .filter((name) => name !== "");
    expect(types.length).toBeGreaterThan(50);
    const listed = of("Types").flatMap(({ names }) => names);
    expect(listed.toSorted()).toEqual(types.toSorted());
  });
});

const STATUS: Readonly<Record<ReturnType<typeof outcomeOf>, string>> = {
  completed: "COMPLETED",
  failed: "FAILED",
  crashed: "CRASHED",
  "system-failure": "SYSTEM_FAILURE",
  "timed-out": "TIMED_OUT",
  canceled: "CANCELED",
  expired: "EXPIRED",
};

describe("error codes", () => {
  const rows = of("Error codes");
  const codes = rows.map(({ names: [code = ""] }) => code);

  test("a code is tried again and ends a run as the page says", () => {
    const said = rows.map(({ names: [code], cells }) => [
      code,
      cells["ends as"],
      cells["tried again"],
    ]);
    const done = codes.map((code) => {
      const error = { type: "INTERNAL_ERROR", code } as const;
      return [code, STATUS[outcomeOf(error)], isRetryable(error) ? "yes" : "no"];
    });
    expect(said).toEqual(done);
  });

  test("each code the rules name has a row", () => {
    const rules = source("proto/src/run/outcome.ts");
    // The keys of the one table, and the items of the other.
    const named = [...rules.matchAll(/^ {2}"?([A-Z]+(?:_[A-Z0-9]+)+)"?[:,]/gm)].map(
      ([, code = ""]) => code,
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((code) => !codes.includes(code))).toEqual([]);
  });
});

describe("numbers", () => {
  const CONSTANTS: Readonly<Record<string, unknown>> = {
    ...prefixed("LIMITS", LIMITS),
    ...prefixed("RETRY_DEFAULTS", RETRY_DEFAULTS),
    IDEMPOTENCY_TTL_MS,
    DEFAULT_PRESET,
  };

  test("every limit and default is on the page, with its value", () => {
    const said = [...of("Limits"), ...of("Retries")]
      .filter(({ cells }) => cells["constant"] !== undefined)
      .map(({ cells }) => [cells["constant"]?.replaceAll("`", ""), cells["value"]]);
    const held = Object.entries(CONSTANTS).map(([name, value]) => [name, String(value)]);
    expect(Object.fromEntries(said)).toEqual(Object.fromEntries(held));
  });

  test("machines have the sizes they have", () => {
    const said = of("Machines")
      .filter(({ cells }) => cells["size"] !== undefined)
      .map(({ names: [preset], cells }) => [preset, cells["size"]]);
    const held = PRESETS.map((preset) => {
      const { cpu, memoryGb } = MACHINE_SIZES[preset];
      return [preset, `${cpu} vCPU, ${memoryGb} GB`];
    });
    expect(said).toEqual(held);
  });

  function prefixed(prefix: string, values: object): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(values).map(([name, value]) => [`${prefix}.${name}`, value]),
    );
  }
});

describe("fields and options", () => {
  /** The keys of an object that has one entry an option: one without does not compile. */
  function keysOf(path: string, constant: string): string[] {
    const [, body = ""] =
      new RegExp(`const ${constant}\\b[\\s\\S]*? = \\{\\n([\\s\\S]*?)\\n\\};`).exec(source(path)) ??
      [];
    return [...body.matchAll(/^ {2}(\w+):/gm)].map(([, name = ""]) => name);
  }

  test.each([
    ["Tasks", "sdk/typescript/src/task-options.ts", "CHECKS"],
    ["Trigger options", "sdk/typescript/src/trigger-options.ts", "READERS"],
    ["Configuration", "sdk/typescript/src/define-config.ts", "FIELDS"],
  ])("%s: each has a row", (section, path, constant) => {
    const keys = keysOf(path, constant);
    expect(keys.length).toBeGreaterThan(8);
    const words = new Set(
      of(section).flatMap(({ names }) => names.flatMap((name) => name.match(/\w+/g) ?? [])),
    );
    expect(keys.filter((key) => !words.has(key))).toEqual([]);
  });
});
