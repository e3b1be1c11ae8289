/** Matching subjects with patterns: `*` is one token, `>` one or more at the end. */

export type Matcher = (subject: string) => boolean;

/** Most patterns of Millrace have few tokens: taking them apart once is all there is to gain. */
export function matcherOf(pattern: string): Matcher {
  if (!pattern.includes("*") && !pattern.includes(">")) return (subject) => subject === pattern;
  if (pattern === ">") return () => true;
  const tokens = pattern.split(".");
  const last = tokens.at(-1) === ">" ? tokens.length - 1 : -1;
  return (subject) => {
    const parts = subject.split(".");
    if (last < 0 ? parts.length !== tokens.length : parts.length <= last) return false;
    const count = last < 0 ? tokens.length : last;
    for (let i = 0; i < count; i++) if (tokens[i] !== "*" && tokens[i] !== parts[i]) return false;
    return true;
  };
}

/** One of several patterns; none at all is every subject. */
export function anyOf(patterns: readonly string[]): Matcher {
  const matchers = patterns.map((pattern) => matcherOf(pattern));
  if (matchers.length === 0) return () => true;
  // Few subjects are asked about, most of them often.
  const known = new Map<string, boolean>();
  return (subject) => {
    let is = known.get(subject);
    if (is === undefined) known.set(subject, (is = matchers.some((matches) => matches(subject))));
    return is;
  };
}
