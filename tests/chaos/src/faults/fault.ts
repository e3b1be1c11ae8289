/** What is done to the system, and undone: the catalogue for a kind of broker. */
import type { Random, ServiceName } from "@millrace/harness";
import type { System } from "../system.ts";

/** Groups a person chooses from with `--scenario`. */
export const SCENARIOS = [
  "kill",
  "freeze",
  "partition",
  "disk",
  "step-down",
  "rolling",
  "everything",
] as const;
export type Scenario = (typeof SCENARIOS)[number];

/** The length of what is done, within what the time allows. */
export type Pace = {
  readonly holdMostMs: number;
  /** How often a freeze outlasts the presence of what it freezes, so that it is taken for dead: of ten. */
  readonly longFreezesOfTen: number;
};

export type Fault = {
  readonly scenario: Scenario;
  readonly name: string;
  /** Does it and undoes it. What it was done to is what it resolves with. */
  readonly strike: (system: System, random: Random, pace: Pace) => Promise<string>;
};

export const SERVICES: readonly ServiceName[] = [
  "coordinator",
  "scheduler",
  "gateway",
  "worker-agent",
];

export async function hold(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** A short time more often than a long one. */
export function holdMs(random: Random, { holdMostMs }: Pace): number {
  return Math.round(200 + (holdMostMs - 200) * random.next() ** 2);
}

/** Presence (15 s), a lease (8 s) and a slot's (10 s) are over after this long, and the grace for a lost agent. */
const LONG_FREEZE_MS = 24_000;

export function freezeMs(random: Random, pace: Pace): number {
  return random.between(1, 10) <= pace.longFreezesOfTen ? LONG_FREEZE_MS : holdMs(random, pace);
}
