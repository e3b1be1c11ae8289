/**
 * Names as subject tokens.
 *
 * Queue names and task ids may hold characters that subjects, consumer names and bucket keys forbid (`.`, `*`, `>`,
 * `/`, space, anything beyond ASCII). `encodeToken` maps each of them to `=XXXX` (the UTF-16 code unit in hex), keeps
 * `[A-Za-z0-9_-]`, and is reversible, so a subject read in a debugger still names its queue. The empty name is `=`.
 */
import { fnv1a } from "./ids.ts";

const PLAIN = /^[A-Za-z0-9_-]+$/;
const EMPTY = "=";

export function encodeToken(name: string): string {
  if (PLAIN.test(name)) return name;
  if (name === "") return EMPTY;
  let token = "";
  for (let i = 0; i < name.length; i++) {
    const char = name.charAt(i);
    token += PLAIN.test(char) ? char : `=${name.charCodeAt(i).toString(16).padStart(4, "0")}`;
  }
  return token;
}

export function decodeToken(token: string): string {
  if (token === EMPTY) return "";
  return token.replace(/=([0-9a-f]{4})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** A longer token may not fit where it stands beside others: subjects are refused from 4 KB on. */
const BOUNDED_MAX = 255;

/**
 * A text of any length as a token of at most 255 characters. What is longer keeps its beginning and gets a hash of the
 * whole, of 128 bits, behind `=h`, which stands in no other token.
 */
export function boundedToken(text: string): string {
  const token = encodeToken(text);
  if (token.length <= BOUNDED_MAX) return token;
  const hash = [0, 1, 2, 3].map((n) => fnv1a(`${n} ${token}`).toString(16).padStart(8, "0"));
  return `${token.slice(0, 200)}=h${hash.join("")}`;
}
