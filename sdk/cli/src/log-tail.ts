/** The end of a process's log, for people: why it died, or why it is not ready. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const MAX_BYTES = 16_384;

/** The last lines written after `offset`; none when there is no such file. */
export function tailOfLog(file: string, offset: number, lines: number): string[] {
  let log: number;
  try {
    log = openSync(file, "r");
  } catch {
    return [];
  }
  try {
    const { size } = fstatSync(log);
    const from = Math.max(offset, size - MAX_BYTES);
    const bytes = Buffer.alloc(Math.max(0, size - from));
    readSync(log, bytes, 0, bytes.length, from);
    const text = bytes.toString("utf8").split("\n");
    // The first one may be the rest of a longer line.
    if (from > offset) text.shift();
    return text
      .filter((line) => line.trim() !== "")
      .flatMap(readable)
      .slice(-lines);
  } finally {
    closeSync(log);
  }
}

/** A structured line's message and stack; any other line as it is. */
function readable(line: string): string[] {
  if (!line.startsWith("{")) return [line];
  try {
    const { msg, err } = JSON.parse(line) as { msg?: unknown; err?: { stack?: unknown } };
    const stack = typeof err?.stack === "string" ? err.stack.split("\n") : [];
    return typeof msg === "string" ? [...msg.split("\n"), ...stack] : [line];
  } catch {
    return [line];
  }
}
