/** Values as a part of something that is written as JSON. */

/**
 * The value as it will be read again: a `Date` becomes a text, what JSON cannot carry is left out.
 * @throws TypeError when nothing is left of it
 */
export function serialPart(what: string, value: unknown): unknown {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(`The value of ${what} cannot be written as JSON: ${reason}`, { cause });
  }
  if (text === undefined)
    throw new TypeError(`The value of ${what} cannot be written as JSON: it is a ${typeof value}`);
  return JSON.parse(text) as unknown;
}
