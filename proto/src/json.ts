/** JSON values inside events and states: what they may be, so that every codec keeps them and every reader sees the same. */

/** Levels of arrays and objects within each other. MessagePack's encoder takes 100, of which a shard's snapshot needs a few. */
export const JSON_LEVELS = 64;

/** Whether `value` is a JSON value of at most `levels` levels, without the key MessagePack refuses. */
export function isJson(value: unknown, levels: number): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      // JSON writes -0 as 0.
      return Number.isFinite(value) && !Object.is(value, -0);
    case "object":
      return value === null || (levels > 0 && holdsJson(value, levels - 1));
    default:
      return false;
  }
}

function holdsJson(container: object, levels: number): boolean {
  if (Array.isArray(container)) {
    for (const item of container) if (!isJson(item, levels)) return false;
    return true;
  }
  const prototype: unknown = Object.getPrototypeOf(container);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const [key, item] of Object.entries(container))
    if (key === PROTOTYPE_KEY || !isJson(item, levels)) return false;
  return true;
}

/**
 * `value` as its JSON text says it: a date is a text, what is undefined is left out. The same object where it is JSON
 * already; undefined when it has no JSON text, or more than `levels` levels.
 */
export function asJson(value: unknown, levels: number = JSON_LEVELS): unknown {
  if (isJson(value, levels)) return value;
  try {
    const text: unknown = JSON.stringify(value);
    return typeof text === "string" ? parseJson(text, levels) : undefined;
  } catch {
    return undefined;
  }
}

/** The value of a JSON text; undefined when it is none, or has more than `levels` levels. */
export function parseJson(text: string, levels: number = JSON_LEVELS): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (isJson(value, levels)) return value;
    const cleaned: unknown = JSON.parse(text, (key, item: unknown) =>
      key === PROTOTYPE_KEY ? undefined : item,
    );
    return isJson(cleaned, levels) ? cleaned : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the text takes more than `limit` bytes in UTF-8. */
export function exceedsBytes(text: string, limit: number): boolean {
  if (text.length > limit) return true;
  if (text.length * 3 <= limit) return false;
  let bytes = 0;
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes > limit;
}

/** MessagePack's decoder refuses a whole message for it. */
const PROTOTYPE_KEY = "__proto__";
