/** Whether and when a failed attempt is tried again: v4's rules. Pure: time and chance are arguments. */
import {
  isRetryable,
  presetSchema,
  retryDelayMs,
  type Preset,
  type RetrySettings,
  type RunError,
} from "@millrace/proto";
import { isApiError } from "../errors.ts";
import type { AttemptFailure } from "./types.ts";

export type RetryDecision = AttemptFailure["retry"];

/** v4's ceiling, whatever the settings say. */
const MAX_ATTEMPTS = 250;

export type AttemptPlace = {
  readonly attempt: number;
  /** Null: the first failure is final. */
  readonly maxAttempts: number | null;
  readonly retry: RetrySettings | undefined;
  /** The preset the attempt ran on. */
  readonly machine: string;
  /** False in development when the configuration says so: every failure is final. */
  readonly isRetried: boolean;
};

/** What a `catchError` hook wants done. */
export type Verdict = {
  readonly skipRetrying?: boolean;
  readonly retryAt?: Date | string | number;
  readonly retryDelayInMs?: number;
  readonly retry?: RetrySettings;
  readonly error?: unknown;
};

/** Milliseconds until the next attempt by the settings alone; undefined: no attempt follows. */
export function defaultDelayMs(
  place: AttemptPlace,
  thrown: unknown,
  chance: number,
): number | undefined {
  if (!mayTryAgain(place)) return undefined;
  return patienceMs(thrown) ?? retryDelayMs(place.retry, place.attempt, chance);
}

/** How long the platform asks to wait when it was asked too often; undefined when it does not say. */
function patienceMs(thrown: unknown): number | undefined {
  if (!isApiError(thrown) || !("millisecondsUntilReset" in thrown)) return undefined;
  const { millisecondsUntilReset: ms } = thrown;
  return typeof ms === "number" ? Math.round(ms) : undefined;
}

/**
 * The decision no hook is asked about: the code has said that it is over, the platform that asking again is no use, or
 * the machine is too small. Undefined: hooks may have a word in it.
 */
export function decidedBy(place: AttemptPlace, thrown: unknown): RetryDecision | undefined {
  if (isOutOfMemory(thrown)) return decideOutOfMemory(place);
  return isBeyondRetry(thrown) || !place.isRetried ? null : undefined;
}

/** The decision about an error no hook had a word in. */
export function decide(
  place: AttemptPlace,
  error: RunError,
  chance: number,
  thrown?: unknown,
): RetryDecision {
  if (!isRetryable(error)) return null;
  const delayMs = defaultDelayMs(place, thrown, chance);
  return delayMs === undefined ? null : { delayMs };
}

/** The decision of a verdict. Attempts that are used up are used up for hooks, too. */
export function decideByVerdict(
  place: AttemptPlace,
  verdict: Verdict,
  now: { readonly atMs: number; readonly chance: number },
): RetryDecision {
  const { skipRetrying, retryAt, retryDelayInMs, retry } = verdict;
  if (skipRetrying === true || !mayTryAgain(place)) return null;
  if (retryAt !== undefined) return after(new Date(retryAt).getTime() - now.atMs);
  if (retryDelayInMs !== undefined) return after(retryDelayInMs);
  if (retry?.maxAttempts !== undefined && place.attempt >= retry.maxAttempts) return null;
  return after(retryDelayMs(retry ?? place.retry, place.attempt, now.chance));
}

/** The task's own machine for runs out of memory, once: on it, the next such failure is final. */
function decideOutOfMemory({ retry, machine }: AttemptPlace): RetryDecision {
  const larger: Preset | undefined = presetSchema.safeParse(retry?.outOfMemory?.machine).data;
  return larger === undefined || larger === machine ? null : { delayMs: 0, machine: larger };
}

function isBeyondRetry(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  if (thrown.name === "AbortTaskRunError") return true;
  if (!isApiError(thrown) || thrown.status === undefined) return false;
  const { status } = thrown;
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

function isOutOfMemory(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "OutOfMemoryError";
}

function mayTryAgain({ attempt, maxAttempts, isRetried }: AttemptPlace): boolean {
  return isRetried && maxAttempts !== null && attempt < Math.min(maxAttempts, MAX_ATTEMPTS);
}

/** What is no number is no wish. */
function after(delayMs: number): RetryDecision {
  return { delayMs: delayMs > 0 ? Math.round(delayMs) : 0 };
}
