/**
 * `npm run mutations [-- --only name] [--simulation-only]`: breaks one rule after the other in a copy of the tree, and says which check
 * noticed: tests (the pure ones of `proto`, or the one a mutation names), or the simulation.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { misused, readOptions } from "../options.ts";
import { Copy } from "./copy.ts";
import { MUTATIONS, type Mutation } from "./mutations.ts";

/** Every one must be noticed within this time. */
const LIMIT_MS = 60_000;
/** More than there is time for. */
const SEEDS = 100_000;

type Caught = { readonly by: string; readonly seconds: number };

const USAGE = "Usage: npm run mutations [-- [--only name] [--simulation-only]]";
const { values } = readOptions(
  () =>
    parseArgs({
      options: {
        only: { type: "string" },
        "simulation-only": { type: "boolean", default: false },
      },
    }),
  USAGE,
);
const chosen = MUTATIONS.filter(({ name }) => values.only === undefined || name === values.only);
if (chosen.length === 0)
  misused(`No mutation is named "${values.only ?? ""}": there are ${namesOfAll()}`, USAGE);
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const copy = new Copy(join(import.meta.dirname, "../../../.."));
try {
  print("| rule broken | tests | simulation |");
  print("| --- | --- | --- |");
  for (const mutation of chosen) {
    // What fails anyway notices nothing.
    if (mutation.test !== undefined && runTests(copy.dir, mutation) !== 0)
      throw new Error(`${mutation.test} fails although nothing is broken`);
    const mend = copy.apply(mutation);
    try {
      const tested = values["simulation-only"] ? undefined : byTests(copy.dir, mutation);
      const simulated = bySimulation(copy.dir);
      print(row(mutation, tested, simulated));
      if (!tested && !simulated) process.exitCode = 1;
    } finally {
      mend();
    }
  }
} finally {
  copy.remove();
}

function namesOfAll(): string {
  return MUTATIONS.map(({ name }) => name).join(", ");
}

function bySimulation(dir: string): Caught | undefined {
  const startedAt = performance.now();
  const { stdout, status } = spawnSync(
    process.execPath,
    [join(dir, "tests/sim/dist/main.js"), "--seeds", String(SEEDS), "--stop"],
    { encoding: "utf8", timeout: LIMIT_MS },
  );
  if (status !== 1) return undefined;
  const found = /seed (\d+) breaks (\w+):/.exec(stdout);
  return (
    (found && { by: `${found[2] ?? ""}, seed ${found[1] ?? ""}`, seconds: since(startedAt) }) ||
    undefined
  );
}

/** The pure tests of `proto`, for what is broken there; elsewhere the one that the mutation names. */
function byTests(dir: string, mutation: Mutation): Caught | undefined {
  if (!hasTests(mutation)) return undefined;
  const startedAt = performance.now();
  if (runTests(dir, mutation) !== 1) return undefined;
  return { by: "fail", seconds: since(startedAt) };
}

function hasTests({ file, test }: Mutation): boolean {
  return test !== undefined || file.startsWith("proto/");
}

/** The exit status: 0 when they pass. */
function runTests(dir: string, { file, test }: Mutation): number | null {
  const runner = join(dir, "node_modules/vitest/vitest.mjs");
  const chosen = test === undefined ? [] : [test];
  const { status } = spawnSync(
    process.execPath,
    [runner, "run", ...chosen, "--bail", "1", "--testTimeout", "60000"],
    { cwd: join(dir, file.slice(0, file.indexOf("/src/"))), encoding: "utf8", timeout: LIMIT_MS },
  );
  return status;
}

function since(startedAt: number): number {
  return (performance.now() - startedAt) / 1000;
}

function row(
  { name, breaks }: Mutation,
  tested: Caught | undefined,
  simulated: Caught | undefined,
): string {
  const cell = (caught: Caught | undefined): string =>
    caught ? `${caught.by}, ${caught.seconds.toFixed(1)} s` : "–";
  return `| ${name}: ${breaks} | ${cell(tested)} | ${cell(simulated)} |`;
}
