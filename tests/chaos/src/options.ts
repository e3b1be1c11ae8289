/** The command line of `npm run chaos`. */
import { parseArgs } from "node:util";
import { MINIMUM_RETENTION_MS, parseDuration } from "@millrace/proto";
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
  --rate N             triggers a second; default 8, of a soak what the machine sustains by a calibration
  --soak N             for so many minutes half of the rate, now and then a kill of any service, seldom of the broker,
                       and samples of memory and store, which must be flat
  --retention T        for how long runs are kept in a soak; default 3m
  --json FILE          the result, for machines
  --keep DIR           where logs, marks and the broker's stores are copied to`;

/** @throws OptionsError */
export function readOptions(args: readonly string[]): Options {
  const { seed, minutes, broker, scenario, rate, soak, retention, json, keep } = parsed(args);
  const scenarios = scenario === undefined ? undefined : scenario.split(",").map(scenarioOf);
  const perSecond = rate === undefined ? undefined : number("--rate", rate);
  return {
    chaos: {
      ...(soak === undefined
        ? { runsPerSecond: perSecond ?? 8, scenarios: scenarios ?? SCENARIOS, pauseMostMs: 6000 }
        : {
            retention: durationOf(retention),
            runsPerSecond: perSecond === undefined ? undefined : perSecond / 2,
            scenarios: scenarios ?? ["kill"],
            pauseMostMs: 40_000,
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
        rate: { type: "string" },
        soak: { type: "string" },
        retention: { type: "string", default: "3m" },
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

function durationOf(text: string): string {
  if ((parseDuration(text) ?? 0) >= MINIMUM_RETENTION_MS) return text;
  throw new OptionsError(`--retention wants a duration of 2m or more, not "${text}"\n${USAGE}`);
}

function scenarioOf(name: string): Scenario {
  return SCENARIOS.find((known) => known === name.trim()) ?? unknown("--scenario", name);
}

function unknown(name: string, value: string): never {
  throw new OptionsError(`${name} does not know "${value}"\n${USAGE}`);
}
