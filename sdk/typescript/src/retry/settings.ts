/** When a block of code is tried again: v4's formula and its defaults. */
import { setTimeout as sleep } from "node:timers/promises";
import { RETRY_DEFAULTS, retryDelayMs, type RetrySettings } from "@millrace/proto";
import { currentRun } from "../host.ts";
import { wait } from "../wait.ts";

/** Milliseconds before the try after the `tries`-th; undefined: there is none. */
export function delayAfter(settings: RetrySettings, tries: number): number | undefined {
  if (tries >= (settings.maxAttempts ?? RETRY_DEFAULTS.maxAttempts)) return undefined;
  return retryDelayMs(settings, tries, Math.random());
}

/** In a run, as its waits do: a long pause gives the machine back. */
export async function pause(ms: number): Promise<void> {
  if (currentRun()) await wait.until({ date: new Date(Date.now() + ms) });
  else await sleep(ms);
}
