/** The `wait` namespace: pausing a run without holding a machine. */
import { setTimeout as sleep } from "node:timers/promises";
import { MAX_DURATION_MS } from "@millrace/proto";
import { currentRun, type RunScope } from "./host.ts";

const UNIT_MS = {
  seconds: 1000,
  minutes: 60_000,
  hours: 3_600_000,
  days: 86_400_000,
  weeks: 7 * 86_400_000,
  months: 30 * 86_400_000,
  years: 365 * 86_400_000,
} as const;

type Unit = keyof typeof UNIT_MS;

/** One amount of one unit: `{ minutes: 5 }`. A month has 30 days, a year 365. */
export type WaitForOptions = { readonly [U in Unit]: { readonly [K in U]: number } }[Unit];

export type WaitUntilOptions = {
  readonly date: Date;
  /** Default: a date in the past is no wait at all. */
  readonly throwIfInThePast?: boolean;
};

/** A shorter wait is not worth giving a machine back for: the code just sleeps. */
const SHORT_MS = 5000;

export const wait = {
  /**
   * Continues after this long; waits of over five seconds give the machine back.
   * @throws Error outside a run, and when it is not one usable amount
   */
  for: async (options: WaitForOptions): Promise<void> => {
    const run = runOf("wait.for");
    const ms = millisecondsOf(options);
    if (ms <= SHORT_MS) await sleep(ms, undefined, { signal: run.signal });
    else await run.host.waitUntil(Date.now() + ms);
  },

  /**
   * Continues at this time; waits of over five seconds give the machine back.
   * @throws Error outside a run, and when the date is unusable
   */
  until: async ({ date, throwIfInThePast = false }: WaitUntilOptions): Promise<void> => {
    const run = runOf("wait.until");
    const at = date.getTime();
    const ms = at - Date.now();
    if (!(ms <= MAX_DURATION_MS))
      throw new Error(`wait.until() takes a date of the next hundred years, not ${String(date)}`);
    // Decided by the log before the clock: when code is run again, the date it waited for has passed.
    if (ms > SHORT_MS || run.host.hasWaitedUntil?.(at)) await run.host.waitUntil(at);
    else if (ms > 0) await sleep(ms, undefined, { signal: run.signal });
    else if (throwIfInThePast)
      throw new Error(`wait.until() was given a date in the past: ${date.toISOString()}`);
  },
} as const;

function runOf(call: string): RunScope {
  const run = currentRun();
  if (!run) throw new Error(`${call}() can only be used from inside a task.run()`);
  return run;
}

function millisecondsOf(options: WaitForOptions): number {
  const [[unit, count] = [], ...others] = Object.entries(options);
  const isOneUnit = unit !== undefined && isUnit(unit) && others.length === 0;
  if (!isOneUnit)
    throw new Error(`wait.for() takes exactly one of ${Object.keys(UNIT_MS).join(", ")}`);
  const ms = Number(count) * UNIT_MS[unit];
  if (ms >= 0 && ms <= MAX_DURATION_MS) return ms;
  throw new Error(`wait.for() takes an amount of at most a hundred years, not ${count} ${unit}`);
}

function isUnit(name: string): name is Unit {
  return Object.hasOwn(UNIT_MS, name);
}
