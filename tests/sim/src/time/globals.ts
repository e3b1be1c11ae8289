/**
 * Shows virtual time to the code under simulation: while `within` runs, the clocks, the timers and the chance of this
 * Node process are the simulation's. `within` is synchronous, so that nothing else runs meanwhile, and everything is as it
 * was afterwards.
 */
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import type { Random } from "./random.ts";
import { EPOCH_MS, type Planned, type VirtualTime } from "./virtual-time.ts";

/** What `setTimeout` gives: enough of Node's for the code under simulation. */
class Timer {
  planned: Planned;
  constructor(planned: Planned) {
    this.planned = planned;
  }
  unref(): this {
    return this;
  }
  ref(): this {
    return this;
  }
}

type Run = (...args: unknown[]) => void;

/** Node gives such numbers for what is too long or not a number. */
function delayOf(ms: unknown): number {
  const delay = Number(ms ?? 0);
  return delay >= 1 && delay <= 2 ** 31 - 1 ? Math.trunc(delay) : 1;
}

function fakes(time: VirtualTime, random: Random): Readonly<Record<string, unknown>> {
  const clear = (timer: unknown): void => {
    if (timer instanceof Timer) timer.planned.isCanceled = true;
  };
  return {
    setTimeout: (run: Run, ms?: number, ...args: unknown[]) =>
      new Timer(time.plan(time.current, delayOf(ms), () => run(...args))),
    setInterval: (run: Run, ms?: number, ...args: unknown[]) => {
      const owner = time.current;
      const again = (): void => {
        run(...args);
        if (!timer.planned.isCanceled) timer.planned = time.plan(owner, delayOf(ms), again);
      };
      const timer: Timer = new Timer(time.plan(owner, delayOf(ms), again));
      return timer;
    },
    setImmediate: (run: Run, ...args: unknown[]) =>
      new Timer(time.plan(time.current, 0, () => run(...args))),
    clearTimeout: clear,
    clearInterval: clear,
    clearImmediate: clear,
    randomBytes: (size: number) =>
      Buffer.from(Array.from({ length: size }, () => random.int(0, 255))),
  };
}

/** Runs `simulate` in virtual time. It must not await anything: it is over when it returns. */
export function within<T>(time: VirtualTime, random: Random, simulate: () => T): T {
  const fake = fakes(time, random);
  const places: readonly (readonly [object, string, unknown])[] = [
    ...["setTimeout", "setInterval", "setImmediate"].map((name) =>
      at(globalThis, name, fake[name]),
    ),
    ...["clearTimeout", "clearInterval", "clearImmediate"].map((name) =>
      at(globalThis, name, fake[name]),
    ),
    at(Date, "now", () => Math.floor(EPOCH_MS + time.now + time.current.skewMs)),
    at(performance, "now", () => time.now),
    // Of the errors that are part of every simulation nobody reads the stacks, and they cost more than the rest.
    at(Error, "stackTraceLimit", 0),
    at(Math, "random", () => random.next()),
    at(crypto, "randomBytes", fake["randomBytes"]),
  ];
  const before = places.map(([object, name]) => Object.getOwnPropertyDescriptor(object, name));
  for (const [object, name, value] of places)
    Object.defineProperty(object, name, { value, configurable: true, writable: true });
  syncBuiltinESMExports();
  try {
    return simulate();
  } finally {
    for (const [i, [object, name]] of places.entries()) {
      const was = before[i];
      if (was) Object.defineProperty(object, name, was);
      else Reflect.deleteProperty(object, name);
    }
    syncBuiltinESMExports();
  }
}

function at(object: object, name: string, value: unknown): readonly [object, string, unknown] {
  return [object, name, value];
}
