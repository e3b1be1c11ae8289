/** `npm run sim -- --seeds N [--from N] [--stop] | --seed N [--trace]`: simulates, and says which seed broke which promise. */
import { parseArgs } from "node:util";
import { misused, readOptions, wholeNumber } from "./options.ts";
import { REGRESSIONS } from "./regressions.ts";
import { simulate } from "./world/simulation.ts";

const USAGE =
  "Usage: npm run sim -- [--seeds N] [--from N] [--stop] | --seed N [--trace]   (default: --seeds 1000)";
const { values } = readOptions(
  () =>
    parseArgs({
      options: {
        seed: { type: "string" },
        seeds: { type: "string", default: "1000" },
        from: { type: "string", default: "1" },
        trace: { type: "boolean", default: false },
        /** At the first seed that breaks a promise. */
        stop: { type: "boolean", default: false },
      },
    }),
  USAGE,
);
const count = values.seed === undefined ? wholeNumber(values.seeds, "seeds", USAGE) : 1;
const from =
  values.seed === undefined
    ? wholeNumber(values.from, "from", USAGE)
    : wholeNumber(values.seed, "seed", USAGE);
if (values.trace && values.seed === undefined) misused("--trace is for one --seed", USAGE);

/** Those that were broken once come first. */
function* seeds(): Iterable<number> {
  if (values.seed === undefined) for (const { seed } of REGRESSIONS) yield seed;
  for (let seed = from; seed < from + count; seed++) yield seed;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

// From a macrotask: see virtual-time.ts.
setImmediate(() => {
  // What this process makes once (the client library's counters) is made before the first seed counts.
  simulate(0);
  const startedAt = performance.now();
  let [broken, steps, runs, done] = [0, 0, 0, 0];
  for (const seed of seeds()) {
    if (values.stop && broken > 0) break;
    done++;
    const outcome = simulate(seed, values.trace);
    steps += outcome.steps;
    runs += outcome.runs;
    for (const line of outcome.trace) print(line);
    if (!outcome.violation) continue;
    broken++;
    print(
      `seed ${seed} breaks ${outcome.violation.message}; see it with: npm run sim -- --seed ${seed} --trace`,
    );
  }
  const seconds = (performance.now() - startedAt) / 1000;
  print(
    `${done} seeds, ${runs} runs, ${steps} steps in ${seconds.toFixed(1)} s; ${broken} broke a promise`,
  );
  if (broken > 0) process.exitCode = 1;
});
