/** How the end of a run process is stated as an error: the signal or exit code, and what was known before. */
import type { RunError } from "@millrace/proto";

export type Exit = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The kernel ended it for using more memory than its cgroup allows. */
  readonly outOfMemory: boolean;
};

/** A shell's way to name the signal that ended a program. */
const SIGNAL_CODE_BASE = 128;
const SIGNALS: Readonly<Record<number, NodeJS.Signals>> = {
  6: "SIGABRT",
  9: "SIGKILL",
  11: "SIGSEGV",
  15: "SIGTERM",
};

export function exitError(exit: Exit): RunError {
  const signal = exit.signal ?? SIGNALS[(exit.code ?? 0) - SIGNAL_CODE_BASE] ?? null;
  if (exit.outOfMemory)
    return crash("TASK_PROCESS_OOM_KILLED", "The process used more memory than its machine has");
  switch (signal) {
    case "SIGABRT":
      // V8 aborts when its heap is full.
      return crash("TASK_PROCESS_OOM_KILLED", "The process ran out of memory");
    case "SIGKILL":
      return crash(
        "TASK_PROCESS_MAYBE_OOM_KILLED",
        "The process was killed, perhaps because it used too much memory",
      );
    case "SIGSEGV":
      return crash("TASK_PROCESS_SIGSEGV", "The process made an invalid memory access");
    case "SIGTERM":
      return crash("TASK_PROCESS_SIGTERM", "The process was told to end");
    default:
      return crash(
        "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE",
        signal === null
          ? `The process exited with code ${exit.code} before the run had ended`
          : `The process was ended by ${signal}`,
      );
  }
}

function crash(code: string, message: string): RunError {
  return { type: "INTERNAL_ERROR", code, message };
}
