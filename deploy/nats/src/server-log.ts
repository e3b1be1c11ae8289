import { open, stat } from "node:fs/promises";
import { lastLines } from "./run-command.ts";

const TAIL_BYTES = 8 * 1024;
const TAIL_LINES = 15;

export async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

/** The last lines the server logged since the log was `from` bytes long, for an error message. */
export async function tailOf(path: string, from: number): Promise<string> {
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return "";
  try {
    const { size } = await file.stat();
    const start = Math.max(from, size - TAIL_BYTES);
    const buffer = Buffer.alloc(Math.max(0, size - start));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
    return lastLines(buffer.toString("utf8", 0, bytesRead), TAIL_LINES);
  } finally {
    await file.close();
  }
}
