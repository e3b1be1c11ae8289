/** Patterns of paths: `*` and `?` within a name, `**` across folders, `{a,b}` either. Paths have forward slashes. */

/** Whether any of the patterns matches the whole path. */
export function matcherOf(patterns: readonly string[]): (path: string) => boolean {
  const expressions = patterns.map((pattern) => new RegExp(`^${sourceOf(pattern)}$`));
  return (path) => expressions.some((expression) => expression.test(path));
}

const TOKENS = /\*\*\/|\*\*|\*|\?|\{|\}|,|[^*?{},]+/g;

function sourceOf(pattern: string): string {
  let depth = 0;
  return pattern.replace(/^\.\//, "").replace(TOKENS, (token) => {
    switch (token) {
      case "**/":
        return "(?:.*/)?";
      case "**":
        return ".*";
      case "*":
        return "[^/]*";
      case "?":
        return "[^/]";
      case "{":
        depth++;
        return "(?:";
      case "}":
        if (depth === 0) return "\\}";
        depth--;
        return ")";
      case ",":
        return depth > 0 ? "|" : ",";
      default:
        return token.replace(/[.+^$()|[\]\\]/g, "\\$&");
    }
  });
}
