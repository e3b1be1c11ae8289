/** `docs/compatibility.md`, read: its tables, row by row. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../../..");

export type Row = {
  /** The heading above its table. */
  readonly section: string;
  /** By the heads of their columns, without the marks of Markdown. */
  readonly cells: Readonly<Record<string, string>>;
  /** What stands in backticks in the first column. */
  readonly names: readonly string[];
  readonly status: string;
  readonly file: string;
  /** The test's groups and title, joined by ` › `. */
  readonly test: string;
};

export function readPage(): readonly Row[] {
  const rows: Row[] = [];
  let section = "";
  let heads: readonly string[] = [];
  for (const line of readFileSync(join(ROOT, "docs/compatibility.md"), "utf8").split("\n")) {
    if (line.startsWith("#")) section = line.replace(/^#+ /, "");
    if (!line.startsWith("|")) heads = [];
    else if (heads.length === 0) heads = cellsOf(line);
    else if (!/^\|[ :-]+\|/.test(line)) rows.push(rowOf(section, heads, cellsOf(line)));
  }
  return rows;
}

function rowOf(section: string, heads: readonly string[], values: readonly string[]): Row {
  const cells = Object.fromEntries(heads.map((head, n) => [head, values[n] ?? ""]));
  const [first = ""] = values;
  const [, file = "", test = ""] = /^`([^`]+)` › (.+)$/.exec(cells["test"] ?? "") ?? [];
  return {
    section,
    cells,
    names: [...first.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
    status: cells["Millrace"] ?? "",
    file,
    test,
  };
}

/** A backslash keeps the next character from being a mark. */
function cellsOf(line: string): string[] {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll(/\\([|_*])/g, "$1"));
}
