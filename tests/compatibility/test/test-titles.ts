/** The titles of the tests in a file, read from its source as the formatter leaves it: every `test(…)` begins a line. */

const CALL = /^([ \t]*)(test|it|describe)((?:\.[A-Za-z]+)*)(?=[(<`])/gm;
const STRING = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/;
const TITLE = new RegExp(String.raw`\(\s*(${STRING.source})\s*[,)]`, "y");
/** Behind the rows. */
const TABLE_TITLE = new RegExp(String.raw`\)\s*\(\s*(${STRING.source})\s*,`, "g");
/** What the runner puts a row's values in place of. */
const VALUE = /%[sdifjo]|\$[a-z]+/g;
/** The same in a name: any row is meant. */
const ANY_ROW = /^(?:%[sdifjo]|\$[a-z]+)$/;

type Title = { readonly title: string; readonly groups: readonly string[] };

export class TestFile {
  readonly #source: string;
  readonly #titles: readonly Title[];

  constructor(source: string) {
    this.#source = source;
    this.#titles = titlesOf(source);
  }

  /**
   * Whether there is a test of this name: its title, alone or behind those of its groups. Of a row of a table the title
   * may be the pattern, or have the row's words, which must then be in the file.
   */
  has(name: string): boolean {
    return this.#titles.some(({ title, groups }) =>
      Array.from({ length: groups.length + 1 }, (_, n) =>
        [...groups.slice(n), title].join(" › "),
      ).some((full) => full === name || this.#isRowOf(full, name)),
    );
  }

  #isRowOf(pattern: string, name: string): boolean {
    const parts = pattern
      .split(VALUE)
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    if (parts.length === 1) return false;
    const values = new RegExp(`^${parts.join("(.+?)")}$`).exec(name)?.slice(1);
    return values?.every((value) => ANY_ROW.test(value) || this.#isValue(value)) ?? false;
  }

  /** A text of a row stands in quotes in the file, other values as they are. */
  #isValue(value: string): boolean {
    if (this.#source.includes(`"${value}"`)) return true;
    if (!/^(?:[\d._]+|undefined|null)$/.test(value)) return false;
    return new RegExp(`(?<![\\w.])${value}(?![\\w.])`).test(this.#source);
  }
}

function titlesOf(source: string): Title[] {
  const found: Title[] = [];
  const open: { readonly indent: number; readonly title: string }[] = [];
  for (const match of source.matchAll(CALL)) {
    const [call, indentation = "", kind = "", modifiers = ""] = match;
    const title = titleAfter(source, match.index + call.length, /\.(each|for)$/.test(modifiers));
    if (title === undefined || /\.(skip|todo)/.test(modifiers)) continue;
    const indent = indentation.length;
    while ((open.at(-1)?.indent ?? -1) >= indent) open.pop();
    if (kind === "describe") open.push({ indent, title });
    else found.push({ title, groups: open.map((group) => group.title) });
  }
  return found;
}

function titleAfter(source: string, from: number, isTable: boolean): string | undefined {
  const pattern = isTable ? TABLE_TITLE : TITLE;
  pattern.lastIndex = from;
  const literal = pattern.exec(source)?.[1];
  return literal?.slice(1, -1).replaceAll(/\\(.)/g, "$1");
}
