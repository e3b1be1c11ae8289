/** `retry.onThrow`: a block of code, again and again until it does not throw. */
import { RETRY_DEFAULTS, type RetrySettings } from "@millrace/proto";
import { delayAfter, pause } from "./settings.ts";

export type RetryAttempt = {
  /** Counts from 1. */
  readonly attempt: number;
  readonly maxRetries: number;
};

/**
 * Settings left out are v4's defaults: three tries, with pauses from one second on that double. Pauses of over five
 * seconds inside a run give the machine back.
 * @throws what the last try threw; `AbortTaskRunError` at once
 */
export async function onThrow<T>(
  code: (attempt: RetryAttempt) => T | Promise<T>,
  settings: RetrySettings = {},
): Promise<T> {
  const maxRetries = settings.maxAttempts ?? RETRY_DEFAULTS.maxAttempts;
  for (let attempt = 1; ; attempt++) {
    try {
      return await code({ attempt, maxRetries });
    } catch (error) {
      const isOver = error instanceof Error && error.name === "AbortTaskRunError";
      const delayMs = isOver ? undefined : delayAfter(settings, attempt);
      if (delayMs === undefined) throw error;
      await pause(delayMs);
    }
  }
}
