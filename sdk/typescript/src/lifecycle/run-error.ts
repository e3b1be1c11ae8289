/** What users' code throws, as the log keeps it: v4's mapping. */
import type { RunError } from "@millrace/proto";

const MAX_FRAMES = 50;
const MAX_TEXT = 16 * 1024;

export function runErrorOf(thrown: unknown): RunError {
  if (thrown instanceof Error)
    return {
      type: "BUILT_IN_ERROR",
      name: shortened(String(thrown.name)),
      message: shortened(String(thrown.message)),
      stackTrace: shortened(firstFrames(stackOf(thrown))),
    };
  if (typeof thrown === "string") return { type: "STRING_ERROR", raw: shortened(thrown) };
  return { type: "CUSTOM_ERROR", raw: shortened(jsonOf(thrown)) };
}

export function internalError(code: string, message: string, cause?: unknown): RunError {
  const stack = cause instanceof Error ? firstFrames(stackOf(cause)) : "";
  return {
    type: "INTERNAL_ERROR",
    code,
    message: shortened(message),
    ...(stack === "" ? {} : { stackTrace: shortened(stack) }),
  };
}

/** A getter of users' making may throw. */
function stackOf(error: Error): string {
  try {
    return String(error.stack ?? "");
  } catch {
    return "";
  }
}

function firstFrames(stack: string): string {
  const lines = stack.split("\n");
  const firstFrame = lines.findIndex((line) => line.trimStart().startsWith("at "));
  return firstFrame < 0 ? stack : lines.slice(0, firstFrame + MAX_FRAMES).join("\n");
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

/** Errors travel in every listing of runs: what is too long is cut. */
function shortened(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}… (${text.length} characters)` : text;
}
