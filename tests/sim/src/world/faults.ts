/** What goes wrong, from a seed: processes that are killed, stand still, or are cut off, at times and at moments. */
import type { Random } from "../time/random.ts";
import type { VirtualTime, Owner } from "../time/virtual-time.ts";
import type { Machine } from "./machine.ts";

export type Fault = (machine: Machine) => void;

/** A moment: just after so many messages of the log were stored. */
export type Moment = { readonly afterMessages: number; readonly strike: () => void };

export type FaultPlan = { readonly moments: readonly Moment[] };

/** More than it takes until an agent's runs are given to others. */
const LONG_MS = 32_000;

/** @param lengthMs no fault begins after it */
export function planFaults(
  random: Random,
  time: VirtualTime,
  owner: Owner,
  machines: readonly Machine[],
  lengthMs: number,
): FaultPlan {
  const moments: Moment[] = [];
  const count = random.pick([0, 1, 2, 2, 3, 4, 6]);
  for (let i = 0; i < count; i++) {
    const machine = random.pick(machines);
    const fault = faultOf(random);
    const strike = (): void => {
      if (time.now < lengthMs) fault(machine);
    };
    if (random.chance(0.4)) time.plan(owner, random.int(200, lengthMs), strike);
    else {
      // Between two effects, most likely: so soon after a fact that what follows from it is being done.
      const afterMs = random.next() * 4;
      moments.push({
        afterMessages: random.int(1, 60),
        strike: () => void time.plan(owner, afterMs, strike),
      });
    }
  }
  return { moments };
}

function faultOf(random: Random): Fault {
  const roll = random.int(1, 10);
  // Long enough, half of the time, that others take over what it has.
  const forMs = random.chance(0.5) ? random.int(20, 3000) : random.int(5000, LONG_MS);
  if (roll <= 4) {
    const [keep, restartMs] = [random.int(0, 6), random.int(50, 5000)];
    return (machine) => machine.crash(keep, restartMs);
  }
  if (roll <= 6) return (machine) => machine.pause(forMs);
  if (roll <= 8) return (machine) => machine.pauseInTheMiddle(forMs);
  return (machine) => machine.interrupt(forMs);
}
