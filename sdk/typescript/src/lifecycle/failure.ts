/** Failures of attempts whose tasks have no word in them. */
import type { RunError } from "@millrace/proto";
import type { RunScope } from "../host.ts";
import { definedConfig, effectiveRetry, type DefinedTask } from "../registry.ts";
import { decide, decidedBy, type AttemptPlace } from "./decide-retry.ts";
import { runErrorOf } from "./run-error.ts";
import type { AttemptFailure, AttemptSettings } from "./types.ts";

export function placeOf(
  task: DefinedTask,
  { ctx }: RunScope,
  { maxAttempts }: AttemptSettings,
): AttemptPlace {
  const isDevelopment = ctx.environment.type === "DEVELOPMENT";
  return {
    attempt: ctx.attempt.number,
    maxAttempts,
    retry: effectiveRetry(task),
    machine: ctx.machine.name,
    isRetried: !(isDevelopment && definedConfig()?.retries?.enabledInDev === false),
  };
}

/** What code threw, and what follows from it. */
export function failureOf(place: AttemptPlace, thrown: unknown): AttemptFailure {
  const error = runErrorOf(thrown);
  const decided = decidedBy(place, thrown);
  const retry = decided === undefined ? decide(place, error, Math.random(), thrown) : decided;
  return { ok: false, error, retry };
}

/** An error of the platform's making that the settings alone decide about. */
export function platformFailure(place: AttemptPlace, error: RunError): AttemptFailure {
  return { ok: false, error, retry: decide(place, error, Math.random()) };
}

export function finalFailure(error: RunError): AttemptFailure {
  return { ok: false, error, retry: null };
}
