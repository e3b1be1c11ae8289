/** A parent with a thousand children: what an item costs beside a single trigger, and how soon the parent goes on. */
import type { Load } from "./load.ts";
import type { Figure } from "./report.ts";
import type { Scale } from "./scenarios.ts";
import { median } from "./yardstick.ts";

const ITEMS = 1000;
const ROUNDS = 7;

type Times = {
  readonly calledAt: number;
  readonly lastChildAt: number;
  readonly resumedAt: number;
};

/** @param plainRunsPerSecond single triggers of the same kind of run, measured in this run */
export async function fanOut(
  load: Load,
  plainRunsPerSecond: number,
  size: Scale,
): Promise<Figure[]> {
  const items = size(ITEMS);
  const rounds: Times[] = [];
  for (let round = 0; round < ROUNDS; round++)
    rounds.push((await load.outputOf("fan-out", items)) as Times);
  const perItemMs = median(rounds.map(({ calledAt, resumedAt }) => resumedAt - calledAt)) / items;
  const resumeMs = median(rounds.map(({ lastChildAt, resumedAt }) => resumedAt - lastChildAt));
  return [
    { name: "single triggers of no-op runs, each", value: 1000 / plainRunsPerSecond, unit: "ms" },
    { name: `batchTriggerAndWait of ${items}, each item`, value: perItemMs, unit: "ms" },
    { name: "last child's code to its parent going on", value: resumeMs, unit: "ms" },
  ];
}
