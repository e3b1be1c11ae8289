/** The `logger`: into the run's log inside a run, to the console elsewhere. */
import type { LogRecord } from "@millrace/proto";
import { currentRun } from "./host.ts";

type Properties = Readonly<Record<string, unknown>>;
type Level = LogRecord["level"];

function at(level: Level): (message: string, properties?: Properties) => void {
  return (message, properties) => {
    const run = currentRun();
    if (run)
      run.host.log({ at: Date.now(), level, message, ...(properties ? { properties } : {}) });
    else console[level](message, ...(properties ? [properties] : []));
  };
}

export const logger = {
  debug: at("debug"),
  log: at("log"),
  info: at("info"),
  warn: at("warn"),
  error: at("error"),
} as const;
