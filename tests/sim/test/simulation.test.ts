/** Seeds: what the platform promises holds whatever goes wrong, and what went wrong can be seen again. */
import { beforeAll, expect, test } from "vitest";
import { REGRESSIONS } from "../src/regressions.ts";
import { simulate } from "../src/world/simulation.ts";
import { fromMacrotask } from "../src/world/virtually.ts";

const SEEDS = 1000;
/** More than `SEEDS`, as long as this lasts, on a machine that is not busy otherwise. */
const QUIET_MS = 20_000;
/** Between them whoever runs the tests gets a word in. */
const AT_ONCE = 10;

// What this process makes once (the client library's counters) is made before the first seed counts.
beforeAll(async () => {
  await fromMacrotask(() => simulate(0));
});

test("the same seed is the same simulation, to the last message; another one is another", async () => {
  for (const seed of [7, 64, 79, 195]) {
    const first = await fromMacrotask(() => simulate(seed));
    const second = await fromMacrotask(() => simulate(seed));
    const { hash, steps, runs, durationMs } = first;
    expect(second).toMatchObject({ hash, steps, runs, durationMs });
    expect((await fromMacrotask(() => simulate(seed + 1))).hash).not.toBe(hash);
  }
});

test("what is traced is what happened: a trace has the hash of the seed", async () => {
  const plain = await fromMacrotask(() => simulate(5));
  const traced = await fromMacrotask(() => simulate(5, true));
  expect(traced.hash).toBe(plain.hash);
  expect(traced.trace.length).toBeGreaterThan(20);
  expect(plain.trace).toEqual([]);
});

test.each(REGRESSIONS)("seed $seed does not find again: $found", async ({ seed }) => {
  expect((await fromMacrotask(() => simulate(seed))).violation?.message).toBeUndefined();
});

test("every promise holds in a thousand seeds and more", { timeout: 900_000 }, async () => {
  const startedAt = performance.now();
  const spentMs = (): number => performance.now() - startedAt;
  const broken: string[] = [];
  let [seed, runs, steps] = [1, 0, 0];
  while (broken.length === 0 && (seed <= SEEDS || spentMs() < QUIET_MS))
    await fromMacrotask(() => {
      for (const end = seed + AT_ONCE; seed < end; seed++) {
        const outcome = simulate(seed);
        runs += outcome.runs;
        steps += outcome.steps;
        if (outcome.violation)
          broken.push(
            `seed ${seed} breaks ${outcome.violation.message}; npm run sim -- --seed ${seed} --trace`,
          );
      }
    });
  process.stdout.write(
    `${seed - 1} seeds, ${runs} runs, ${steps} steps, ${Math.round(spentMs() / 1000)} s\n`,
  );
  expect(broken).toEqual([]);
  expect(seed).toBeGreaterThan(SEEDS);
  // Something did happen in them.
  expect(runs).toBeGreaterThan(4 * SEEDS);
});
