/** The titles of the tests in a test file, read from its formatted source: every `test(…)` begins a line. */

const CALL = /^([ \t]*)(test|it|describe)((?:\.[A-Za-z]+)*)(?=[(<`])/gm;
const STRING = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/;
const TITLE = new RegExp(String.raw`\(\s*(${STRING.source})\s*[,)]`, "y");
const TABLE_TITLE = new RegExp(String.raw`\)\s*\(\s*(${STRING.source})\s*,`, "g");

/** What a test is found by: its title, alone or behind the titles of its groups. */
export type TestTitle = { readonly title: string; readonly groups: readonly string[] };

export function testTitles(source: string): TestTitle[] {
  const found: TestTitle[] = [];
  const groups: { readonly indent: number; readonly title: string }[] = [];
  for (const match of source.matchAll(CALL)) {
    const [call, indentation = "", kind = "", modifiers = ""] = match;
    const title = titleAfter(source, match.index + call.length, /\.(each|for)$/.test(modifiers));
    if (title === undefined) continue;
    const indent = indentation.length;
    while ((groups.at(-1)?.indent ?? -1) >= indent) groups.pop();
    if (kind === "describe") groups.push({ indent, title });
    else found.push({ title, groups: groups.map((group) => group.title) });
  }
  return found;
}

function titleAfter(source: string, from: number, isTable: boolean): string | undefined {
  const pattern = isTable ? TABLE_TITLE : TITLE;
  pattern.lastIndex = from;
  const literal = pattern.exec(source)?.[1];
  return literal?.slice(1, -1).replaceAll(/\\(.)/g, "$1");
}

/** Whether a file has a test of this name; its groups may be named before it, behind `›`. */
export function hasTest(titles: readonly TestTitle[], name: string): boolean {
  return titles.some(({ title, groups }) =>
    Array.from({ length: groups.length + 1 }, (_, n) =>
      [...groups.slice(n), title].join(" › "),
    ).includes(name),
  );
}
