/** `npm run sim -- --seeds N [--from N] [--stop] | --seed N [--trace]`: simulates, and says which seed broke which promise. */
import { parseArgs } from "node:util";
import { simulate } from "./world/simulation.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    trace: { type: "boolean", default: false },
    /** At the first seed that breaks a promise. */
    stop: { type: "boolean", default: false },
  },
});

const print = (line: string): void => void process.stdout.write(`${line}\n`);

// From a macrotask: see virtual-time.ts.
setImmediate(() => {
  const from = Number(values.seed ?? values.from);
  const count = values.seed === undefined ? Number(values.seeds) : 1;
  // What this process makes once (the client library's counters) is made before the first seed counts.
  simulate(0);
  const startedAt = performance.now();
  let [broken, steps, runs, done] = [0, 0, 0, 0];
  for (let seed = from; seed < from + count && !(values.stop && broken > 0); seed++) {
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
