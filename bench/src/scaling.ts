/** Agents from one to four, on runs that wait for something else most of the time: each agent adds what it has room for. */
import { join } from "node:path";
import { Millrace } from "@millrace/harness";
import { EVENTS_OF_PLAIN_RUN, Load } from "./load.ts";
import type { Figure } from "./report.ts";
import type { Scale } from "./scenarios.ts";

const AGENTS = [1, 2, 3, 4];
/** Runs an agent holds at once, of the task `io`, each of which takes 100 ms. */
const PLACES = 40;
const RUN_MS = 100;
const SECONDS = 10;
/** Of what one agent does, times the number of agents. */
const IN_PROPORTION = 0.85;

/** On an installation of its own, to which an agent is added for each figure. */
export async function scaling(size: Scale, say: (line: string) => void): Promise<Figure[]> {
  const millrace = await Millrace.start();
  try {
    const figures: Figure[] = [];
    let one = Number.NaN;
    for (const agents of AGENTS) {
      await millrace.agent(join(import.meta.dirname, "../tasks"), {
        MILLRACE_SHARED_CONCURRENCY: String(PLACES),
        MILLRACE_PRESETS: "micro",
        MILLRACE_LOG_LEVEL: "warn",
      });
      say(`${agents} agents`);
      const load = await Load.connect(millrace.natsUrl);
      const runs = Math.round((agents * PLACES * size(SECONDS * 1000)) / RUN_MS);
      // The first ones load the code.
      await load.throughput("io", agents * PLACES, EVENTS_OF_PLAIN_RUN);
      const { runsPerSecond } = await load.throughput("io", runs, EVENTS_OF_PLAIN_RUN);
      await load.close();
      if (agents === 1) one = runsPerSecond;
      figures.push({
        name: `${agents} agents of ${PLACES} places, runs of ${RUN_MS} ms`,
        value: runsPerSecond,
        unit: "/s",
        ...(agents > 1 && {
          goal: {
            kind: "at least",
            bound: IN_PROPORTION * agents * one,
            rule: `${IN_PROPORTION * agents} × one agent`,
          },
        }),
      });
    }
    return figures;
  } finally {
    await millrace.stop();
  }
}
