/** The command line of `npm run chaos`. */
import { parseArgs } from "node:util";
import type { ChaosOptions } from "./chaos.ts";
import { SCENARIOS, type Scenario } from "./faults/fault.ts";

export class OptionsError extends Error {
  override readonly name = "OptionsError";
}

export type Options = {
  readonly chaos: ChaosOptions;
  readonly json: string | undefined;
  readonly keep: string | undefined;
};

const USAGE = `npm run chaos -- [options]
  --seed N             what is done, in which order; default: random, printed
  --minutes N          for how long faults are begun; default 3
  --broker KIND        single or cluster; default single
  --scenario A,B       of ${SCENARIOS.join(", ")}; default: all
  --rate N             triggers a second; default 8
  --soak N             for so many minutes half of the rate, now and then a kill of all but the first of each kind,
                       and samples of memory and store, which must be flat
  --json FILE          the result, for machines
  --keep DIR           where logs, marks and the broker's stores are copied to`;

/** What they hold in memory is not forgotten by a kill. */
const SPARED = ["coordinator-0", "scheduler-0", "gateway-0", "worker-agent-0"];

/** @throws OptionsError */
export function readOptions(args: readonly string[]): Options {
  const { seed, minutes, broker, scenario, rate, soak, json, keep } = parsed(args);
  const scenarios = scenario === undefined ? undefined : scenario.split(",").map(scenarioOf);
  const perSecond = number("--rate", rate);
  return {
    chaos: {
      ...(soak === undefined
        ? { runsPerSecond: perSecond, scenarios: scenarios ?? SCENARIOS, pauseMostMs: 6000 }
        : {
            isSoak: true,
            runsPerSecond: perSecond / 2,
            scenarios: scenarios ?? ["kill"],
            pauseMostMs: 40_000,
            spared: SPARED,
            // A coordinator that starts gives the log its 30 days again.
            except: ["kill broker", "kill coordinator"],
          }),
      seed: seed === undefined ? randomSeed() : number("--seed", seed),
      broker: broker === "single" || broker === "cluster" ? broker : unknown("--broker", broker),
      durationMs: number("--minutes", soak ?? minutes) * 60_000,
      agents: 3,
      pace: { holdMostMs: 10_000, longFreezesOfTen: 3 },
      patienceMs: 120_000,
    },
    json,
    keep,
  };
}

export function randomSeed(): number {
  return Math.floor(Math.random() * 2 ** 31);
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seed: { type: "string" },
        minutes: { type: "string", default: "3" },
        broker: { type: "string", default: "single" },
        scenario: { type: "string" },
        rate: { type: "string", default: "8" },
        soak: { type: "string" },
        json: { type: "string" },
        keep: { type: "string" },
      },
    }).values;
  } catch (error) {
    throw new OptionsError(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value > 0))
    throw new OptionsError(`${name} wants a number above 0, not "${text}"\n${USAGE}`);
  return value;
}

function scenarioOf(name: string): Scenario {
  return SCENARIOS.find((known) => known === name.trim()) ?? unknown("--scenario", name);
}

function unknown(name: string, value: string): never {
  throw new OptionsError(`${name} does not know "${value}"\n${USAGE}`);
}
