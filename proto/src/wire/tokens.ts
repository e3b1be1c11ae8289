/**
 * Names as subject tokens.
 *
 * Queue names and task ids may hold characters that subjects, consumer names and bucket keys forbid (`.`, `*`, `>`,
 * `/`, space, anything beyond ASCII). `encodeToken` maps each of them to `=XXXX` (the UTF-16 code unit in hex), keeps
 * `[A-Za-z0-9_-]`, and is reversible, so a subject read in a debugger still names its queue.
 */

const PLAIN = /^[A-Za-z0-9_-]+$/;

export function encodeToken(name: string): string {
  if (PLAIN.test(name)) return name;
  let token = "";
  for (let i = 0; i < name.length; i++) {
    const char = name.charAt(i);
    token += PLAIN.test(char) ? char : `=${name.charCodeAt(i).toString(16).padStart(4, "0")}`;
  }
  return token;
}

export function decodeToken(token: string): string {
  return token.replace(/=([0-9a-f]{4})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
