/** What users' code prints goes to its run's log. The process itself has no terminal: its output is `/dev/null`. */
import { format } from "node:util";
import { currentRun } from "@millrace/sdk/internal";
import type { LogRecord } from "@millrace/proto";

type Level = LogRecord["level"];

const MAX_MESSAGE = 32 * 1024;

export type Capture = {
  /** Printed by code that belongs to no run. */
  readonly onOutside: (level: Level, message: string) => void;
  /** Whether the agent reads too slowly for anything more. */
  readonly isBehind: () => boolean;
};

export function captureOutput(capture: Capture): void {
  const print = (level: Level, text: string): void => {
    if (capture.isBehind()) return;
    const message = text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text;
    const run = currentRun();
    if (run) run.host.log({ at: Date.now(), level, message });
    else capture.onOutside(level, message);
  };
  for (const level of ["debug", "log", "info", "warn", "error"] as const)
    console[level] = (...values: unknown[]) => print(level, format(...values));
  captureStream(process.stdout, (text) => print("log", text));
  captureStream(process.stderr, (text) => print("error", text));
}

function captureStream(stream: NodeJS.WriteStream, print: (text: string) => void): void {
  stream.write = (
    chunk: Uint8Array | string,
    encodingOrDone?: BufferEncoding | ((error?: Error | null) => void),
    done?: (error?: Error | null) => void,
  ): boolean => {
    const text = typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
    if (text !== "" && text !== "\n") print(text.replace(/\n$/, ""));
    const callback = typeof encodingOrDone === "function" ? encodingOrDone : done;
    if (callback) process.nextTick(callback);
    return true;
  };
}
