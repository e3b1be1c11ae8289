/** Which part of a run's metadata an operation is about: a key of it, or a path into it. */

const PATH = "$.";
const UNSAFE: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** `$.user.name`, `$.steps[0].done`, `$.steps.*.done` are paths; anything else is a key as it is. */
export function isMetadataPath(key: string): boolean {
  return key.startsWith(PATH);
}

/** `$.a.b[0]` → a, b, 0. A key is one step. */
export function metadataSteps(key: string): readonly string[] {
  return isMetadataPath(key) ? (key.slice(PATH.length).match(/[^.[\]]+/g) ?? []) : [key];
}

/**
 * Whether an operation may have this key. A path has at least one step, and none of the names by which objects reach
 * their prototype: v4's rule.
 */
export function isMetadataKey(key: string): boolean {
  if (!isMetadataPath(key)) return key !== "__proto__";
  const steps = metadataSteps(key);
  return steps.length > 0 && !steps.some((step) => UNSAFE.has(step));
}
