/** Virtual time: what runs when, and that nothing of it is left behind. */
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { within } from "../src/time/globals.ts";
import { Random } from "../src/time/random.ts";
import { drainTicks, EPOCH_MS, VirtualTime, type Owner } from "../src/time/virtual-time.ts";
import { fromMacrotask } from "../src/world/virtually.ts";

function owner(name: string, skewMs = 0): Owner {
  return { name, skewMs, isDead: false, pausedUntil: 0 };
}

test("timers, intervals and promises run in the order of their times, without any time passing", async () => {
  const seen = await fromMacrotask(() => {
    const time = new VirtualTime(owner("one"));
    const log: string[] = [];
    within(time, new Random(1), () => {
      const say = (what: string): void => void log.push(`${performance.now()} ${what}`);
      setTimeout(() => say("late"), 3_600_000);
      const interval = setInterval(() => say("tick"), 1000);
      void (async () => {
        await new Promise((resolve) => setTimeout(resolve, 1500));
        await Promise.resolve();
        say("awaited");
        clearInterval(interval);
      })();
      setImmediate(() => say("soon"));
      drainTicks();
      while (time.step(10_000_000));
    });
    return log;
  });
  expect(seen).toEqual(["0 soon", "1000 tick", "1500 awaited", "3600000 late"]);
});

test("each process has its own clock; one that stands still does what it missed, one that is dead nothing", async () => {
  const seen = await fromMacrotask(() => {
    const [ahead, slow, dead] = [owner("ahead", 200), owner("slow"), owner("dead")];
    const time = new VirtualTime(ahead);
    const log: string[] = [];
    within(time, new Random(1), () => {
      const say = (): void => void log.push(`${time.current.name} ${Date.now() - EPOCH_MS}`);
      for (const each of [ahead, slow, dead]) time.plan(each, 100, say);
      time.plan(slow, 50, say);
      slow.pausedUntil = 500;
      dead.isDead = true;
      while (time.step(1000));
    });
    return log;
  });
  expect(seen).toEqual(["ahead 300", "slow 500", "slow 500"]);
});

test("chance comes from the seed; afterwards clocks, timers and chance are the machine's again", async () => {
  const before = [setTimeout, Date.now, Math.random, performance.now];
  const roll = (): string =>
    within(
      new VirtualTime(owner("one")),
      new Random(9),
      () => `${Math.random()} ${randomBytes(4).toString("hex")}`,
    );
  expect(roll()).toBe(roll());
  expect([setTimeout, Date.now, Math.random, performance.now]).toEqual(before);
  expect(randomBytes(8)).not.toEqual(randomBytes(8));
  expect(() =>
    within(new VirtualTime(owner("one")), new Random(1), () => {
      throw new Error("x");
    }),
  ).toThrow("x");
  expect(Date.now()).toBeGreaterThan(0);
  await Promise.resolve();
});
