import { execFile } from "node:child_process";
import type { Environment } from "./environment.ts";

export type CommandOutcome =
  | { readonly status: "succeeded"; readonly output: string }
  | { readonly status: "failed"; readonly output: string; readonly reason: string };

type CommandOptions = {
  readonly env: Environment;
  readonly timeoutMs: number;
  readonly cwd?: string;
};

/** For a caller whose environment has no PATH. On Windows the name is spelled variously; it keeps its own. */
const FALLBACK =
  process.platform === "win32"
    ? {}
    : { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };

/**
 * Runs a program without a shell, with both outputs collected together. A program that cannot be
 * started, fails or takes too long is an outcome, not an exception: each caller has another way to try.
 */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandOutcome> {
  // The C locale keeps messages recognisable to the code that classifies them.
  const env = { ...FALLBACK, ...options.env, LC_ALL: "C" };
  return new Promise((resolve) => {
    execFile(
      command,
      [...args],
      {
        env,
        timeout: options.timeoutMs,
        maxBuffer: 16 * 1024 * 1024,
        windowsHide: true,
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      },
      (error, stdout, stderr) => {
        const output = `${stdout}${stderr}`;
        if (error === null) {
          resolve({ status: "succeeded", output });
        } else if (error.killed === true) {
          resolve({ status: "failed", output, reason: `no answer in ${options.timeoutMs} ms` });
        } else if (typeof error.code === "string") {
          resolve({ status: "failed", output, reason: describeSpawnError(error.code) });
        } else {
          const ending = error.code === undefined ? `signal ${error.signal}` : `code ${error.code}`;
          resolve({ status: "failed", output, reason: `ended with ${ending}` });
        }
      },
    );
  });
}

function describeSpawnError(code: string): string {
  switch (code) {
    case "ENOENT":
      return "does not exist";
    case "EACCES":
      return "is not a file that may be executed";
    case "ENOEXEC":
      return "is not a program for this machine";
    default:
      return `could not be started (${code})`;
  }
}

/** The last lines of a program's output that say something, for an error message. */
export function lastLines(output: string, count: number): string {
  const lines = output.split(/\r?\n/).filter((line) => line.trim() !== "");
  return lines.slice(-count).join("\n");
}
