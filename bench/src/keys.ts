/**
 * A queue with very many concurrency keys, one of which has tens of thousands of runs waiting: how long another key's
 * first run waits, and what admitting a run costs the coordinator with few and with many keys.
 */
import { cpuSeconds } from "@millrace/harness";
import { EVENTS_OF_LIMITED_RUN, type Load } from "./load.ts";
import type { Figure } from "./report.ts";
import type { Scale } from "./scenarios.ts";
import { percentile } from "./yardstick.ts";

const TASK = "noop-keyed";
const HOT_RUNS = 50_000;
const KEYS = 10_000;
/** The other keys come over this time, in ticks. */
const SPREAD_MS = 5000;
const TICK_MS = 10;

export async function keys(load: Load, coordinatorPid: number, size: Scale): Promise<Figure[]> {
  const others = size(KEYS);
  const waits = await firstRunWaits(load, size(HOT_RUNS), others);
  const few = await cpuPerRun(load, coordinatorPid, others, 10);
  const many = await cpuPerRun(load, coordinatorPid, others, others);
  return [
    {
      name: `other keys' first runs, p50, of ${others} keys`,
      value: percentile(waits, 50),
      unit: "ms",
    },
    {
      name: `other keys' first runs, slowest, beside ${size(HOT_RUNS)} runs of one key`,
      value: Math.max(...waits),
      unit: "ms",
      goal: { kind: "at most", bound: 1000, rule: "a second" },
    },
    { name: "coordinator's CPU per keyed run, 10 keys", value: few, unit: "µs" },
    {
      name: `coordinator's CPU per keyed run, ${others} keys`,
      value: many,
      unit: "µs",
      goal: { kind: "at most", bound: few * 1.5, rule: "1.5 × that at 10 keys" },
    },
  ];
}

/** Milliseconds from each other key's trigger to its run's start, while one key's runs wait in line. */
async function firstRunWaits(load: Load, hotRuns: number, others: number): Promise<number[]> {
  const watch = await load.watchStarts();
  const hot = load.triggerMany(TASK, hotRuns, () => ({ concurrencyKey: "hot" }));
  await hot;
  const perTick = Math.ceil((others * TICK_MS) / SPREAD_MS);
  const ids: Promise<string[]>[] = [];
  for (let key = 0; key < others; key += perTick) {
    const from = key;
    const count = Math.min(perTick, others - key);
    ids.push(load.triggerMany(TASK, count, (n) => ({ concurrencyKey: `key-${from + n}` })));
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  const waited = (await Promise.all(ids)).flat();
  await watch.until(() => watch.finished >= hotRuns + others);
  await watch.stop();
  return waited.map((id) => watch.waitOf(id));
}

async function cpuPerRun(load: Load, pid: number, runs: number, keyCount: number): Promise<number> {
  const before = cpuSeconds([pid]) ?? Number.NaN;
  await load.throughput(TASK, runs, EVENTS_OF_LIMITED_RUN, (n) => ({
    concurrencyKey: `cost-${n % keyCount}`,
  }));
  return (((cpuSeconds([pid]) ?? Number.NaN) - before) / runs) * 1e6;
}
