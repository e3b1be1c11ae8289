/** The `wait` namespace: pausing a run without holding a machine. */
import { setTimeout as sleep } from "node:timers/promises";
import { MAX_DURATION_MS } from "@millrace/proto";
import { currentRun, type RunHost, type RunScope } from "./host.ts";
import { keyOptions, type IdempotencyKeyOption } from "./idempotency-keys.ts";
import { ManualWaitpointPromise, waitpointResult } from "./manual-waitpoint.ts";
import { tokenCalls } from "./tokens.ts";

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

type WaitKey = {
  /** The same key is the same wait: asked for again, it ends when it would have ended the first time. */
  readonly idempotencyKey?: IdempotencyKeyOption;
  /** How long the key stands for the wait: a number and one of s, m, h, d. Default `30d`. */
  readonly idempotencyKeyTTL?: string;
};

/** One amount of one unit: `{ minutes: 5 }`. A month has 30 days, a year 365. */
export type WaitForOptions = { readonly [U in Unit]: { readonly [K in U]: number } }[Unit] &
  WaitKey;

export type WaitUntilOptions = WaitKey & {
  readonly date: Date;
  /** Default: a date in the past is no wait at all. */
  readonly throwIfInThePast?: boolean;
};

/** A token's id, or what has one. The last form is an older one: the token of that name, made when there is none. */
export type WaitForToken =
  | string
  | { readonly id: string }
  | { readonly token: string; readonly timeoutInSeconds?: number };

/** A shorter wait is not worth giving a machine back for: the code just sleeps. */
const SHORT_MS = 5000;

export const wait = {
  /**
   * Continues after this long; waits of over five seconds give the machine back.
   * @throws Error outside a run, and when it is not one usable amount
   */
  for: async ({ idempotencyKey, idempotencyKeyTTL, ...amount }: WaitForOptions): Promise<void> => {
    const run = runOf("wait.for");
    const ms = millisecondsOf(amount);
    if (idempotencyKey !== undefined) {
      const at = await agreedTime(run, Date.now() + ms, idempotencyKey, idempotencyKeyTTL);
      await untilTime(run, at);
    } else if (ms <= SHORT_MS) await sleep(ms, undefined, { signal: run.signal });
    else await run.host.waitUntil(Date.now() + ms);
  },

  /**
   * Continues at this time; waits of over five seconds give the machine back.
   * @throws Error outside a run, and when the date is unusable
   */
  until: async (options: WaitUntilOptions): Promise<void> => {
    const { date, throwIfInThePast = false, idempotencyKey, idempotencyKeyTTL } = options;
    const run = runOf("wait.until");
    const asked = date.getTime();
    if (!(asked - Date.now() <= MAX_DURATION_MS))
      throw new Error(`wait.until() takes a date of the next hundred years, not ${String(date)}`);
    const at =
      idempotencyKey === undefined
        ? asked
        : await agreedTime(run, asked, idempotencyKey, idempotencyKeyTTL);
    if (throwIfInThePast && at < Date.now() && !run.host.hasWaitedUntil?.(at))
      throw new Error(`wait.until() was given a date in the past: ${date.toISOString()}`);
    await untilTime(run, at);
  },

  /**
   * Gives the machine back until the token is completed, or has timed out.
   * @throws Error outside a run; NotFoundError when there is no such token
   */
  forToken: <T = unknown>(token: WaitForToken): ManualWaitpointPromise<T> =>
    new ManualWaitpointPromise<T>((resolve, reject) => {
      const waiting = async () => {
        const { host } = runOf("wait.forToken");
        const id = await tokenIdOf(host, token);
        return await waitpointResult<T>(await host.waitForToken(id), host);
      };
      waiting().then(resolve, reject);
    }),

  ...tokenCalls,
} as const;

function runOf(call: string): RunScope {
  const run = currentRun();
  if (!run) throw new Error(`${call}() can only be used from inside a task.run()`);
  return run;
}

/** Decided by the log before the clock: when code is run again, the date it waited for has passed. */
async function untilTime(run: RunScope, at: number): Promise<void> {
  const ms = at - Date.now();
  if (ms > SHORT_MS || run.host.hasWaitedUntil?.(at)) await run.host.waitUntil(at);
  else if (ms > 0) await sleep(ms, undefined, { signal: run.signal });
}

/** The time the key stands for: the one it was first used with. */
async function agreedTime(
  run: RunScope,
  until: number,
  idempotencyKey: IdempotencyKeyOption,
  ttl: string | undefined,
): Promise<number> {
  const key = keyOptions(idempotencyKey).idempotencyKey;
  const agreed = await run.host.call("waits.until", {
    key,
    until: Math.max(0, Math.ceil(until)),
    ...(ttl === undefined ? {} : { ttl }),
  });
  return agreed.until;
}

async function tokenIdOf(host: RunHost, token: WaitForToken): Promise<string> {
  if (typeof token === "string") return token;
  if ("id" in token) return token.id;
  const { token: idempotencyKey, timeoutInSeconds } = token;
  const timeout = timeoutInSeconds === undefined ? {} : { timeout: `${timeoutInSeconds}s` };
  const { id } = await host.call("tokens.create", { idempotencyKey, ...timeout });
  return id;
}

function millisecondsOf(options: object): number {
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
