/** A few seconds of chaos, for the tests: what is done is short, and what takes 20 seconds to be noticed is left out. */
import { chaos, type ChaosOptions } from "../src/chaos.ts";
import { randomSeed } from "../src/options.ts";
import { report } from "../src/report.ts";

/** What the checker found, as a person reads it; printed with the seed when there is something. */
export async function shortChaos(
  options: Pick<ChaosOptions, "broker" | "scenarios" | "durationMs">,
): Promise<{ readonly violations: readonly unknown[]; readonly runs: number }> {
  const seed = Number(process.env["MILLRACE_CHAOS_SEED"] ?? randomSeed());
  process.stderr.write(`MILLRACE_CHAOS_SEED=${seed}\n`);
  const result = await chaos({
    ...options,
    seed,
    // An agent is taken for dead after 20 seconds: kills.test.ts waits for that.
    except: ["kill worker-agent", "freeze worker-agent"],
    runsPerSecond: 8,
    agents: 2,
    pace: { holdMostMs: 1000, longFreezesOfTen: 0 },
    pauseMostMs: 300,
    patienceMs: 60_000,
  });
  if (result.violations.length > 0) process.stderr.write(`${report(result)}\n`);
  return { violations: result.violations, runs: result.stories.size };
}
