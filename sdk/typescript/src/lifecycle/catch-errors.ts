/** `catchError`: what a task's code has to say about its error. */
import type { Hook, HookCall } from "./hooks.ts";
import {
  decide,
  decideByVerdict,
  decidedBy,
  defaultDelayMs,
  type AttemptPlace,
  type Verdict,
} from "./decide-retry.ts";
import { finalFailure } from "./failure.ts";
import { internalError, runErrorOf } from "./run-error.ts";
import type { AttemptFailure } from "./types.ts";

/** `error` is what the run fails with, as code knows it. */
export type Caught = { readonly end: AttemptFailure; readonly error: unknown };

/**
 * Asks one hook after the other until one decides. A hook that throws `AbortTaskRunError` fails the run for good, with
 * that error; any other error of a hook does so as HANDLE_ERROR_ERROR.
 */
export async function catchErrors(
  place: AttemptPlace,
  thrown: unknown,
  hooks: readonly Hook[],
  call: HookCall,
): Promise<Caught> {
  const error = runErrorOf(thrown);
  const decided = decidedBy(place, thrown);
  if (decided !== undefined) return { error: thrown, end: { ok: false, error, retry: decided } };
  const chance = Math.random();
  const delayMs = defaultDelayMs(place, thrown, chance);
  const asked = {
    ...call,
    error: thrown,
    retry: place.retry,
    retryDelayInMs: delayMs,
    retryAt: delayMs === undefined ? undefined : new Date(Date.now() + delayMs),
  };
  try {
    for (const hook of hooks) {
      const verdict = await hook(asked);
      if (isVerdict(verdict)) return judged(place, thrown, verdict, chance);
    }
  } catch (hookError) {
    return { error: hookError, end: finalFailure(hookFailure(hookError)) };
  }
  return { error: thrown, end: { ok: false, error, retry: decide(place, error, chance, thrown) } };
}

function judged(place: AttemptPlace, thrown: unknown, verdict: Verdict, chance: number): Caught {
  const error = verdict.error ?? thrown;
  const retry = decideByVerdict(place, verdict, { atMs: Date.now(), chance });
  return { error, end: { ok: false, error: runErrorOf(error), retry } };
}

function hookFailure(thrown: unknown) {
  if (thrown instanceof Error && thrown.name === "AbortTaskRunError") return runErrorOf(thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return internalError("HANDLE_ERROR_ERROR", message, thrown);
}

function isVerdict(value: unknown): value is Verdict {
  return typeof value === "object" && value !== null;
}
