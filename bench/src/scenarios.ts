/** What is measured, each as figures against the yardstick of the same run. */
import { cpuSeconds } from "@millrace/harness";
import type { NatsConnection } from "@millrace/nats";
import { RUNS } from "@millrace/proto";
import { EVENTS_OF_LIMITED_RUN, EVENTS_OF_PLAIN_RUN, type Load, type Throughput } from "./load.ts";
import type { Figure } from "./report.ts";
import { median, percentile, type Yardstick } from "./yardstick.ts";

export type Scale = (runs: number) => number;

/** Warm trigger to the first line of user code, one at a time, with idle workers. */
export async function latency(
  load: Load,
  { roundTripMs }: Yardstick,
  size: Scale,
): Promise<Figure[]> {
  const latencies = await load.firstLineLatencies("first-line", size(500));
  const bounds = [
    { p: 50, factor: 8 },
    { p: 99, factor: 40 },
  ];
  return bounds.map(({ p, factor }) => ({
    name: `trigger to first user line, p${p}`,
    value: percentile(latencies, p),
    unit: "ms",
    goal: { kind: "at most", bound: factor * roundTripMs, rule: `${factor} R` },
  }));
}

export async function throughput(
  load: Load,
  { publishesPerSecond }: Yardstick,
  size: Scale,
): Promise<Figure[]> {
  const shared = await medianOfThree(load, "noop-shared", size(20_000));
  const isolated = await medianOfThree(load, "noop-process", size(6000));
  const limited = await medianOfThree(load, "noop-limited", size(10_000), EVENTS_OF_LIMITED_RUN);
  return [
    atLeast("no-op runs, shared", shared.runsPerSecond, publishesPerSecond / 8, "Y/8"),
    atLeast("no-op runs, process", isolated.runsPerSecond, publishesPerSecond / 20, "Y/20"),
    atLeast(
      "no-op runs, shared, limit 50",
      limited.runsPerSecond,
      shared.runsPerSecond / 2,
      "half of unlimited",
    ),
    atLeast("triggers acknowledged", shared.triggersPerSecond, publishesPerSecond / 4, "Y/4"),
  ];
}

/**
 * CPU of broker and services for one no-op run, with few and with many finished runs in the log. The log is emptied
 * first: the processes are warm, the history is short.
 */
export async function cpuPerRun(
  load: Load,
  nc: NatsConnection,
  pids: readonly number[],
  size: Scale,
): Promise<Figure[]> {
  const once = async (): Promise<number> => {
    const runs = size(5000);
    const before = cpuSeconds(pids) ?? Number.NaN;
    await load.throughput("noop-shared", runs, EVENTS_OF_PLAIN_RUN);
    return (((cpuSeconds(pids) ?? Number.NaN) - before) / runs) * 1e6;
  };
  /** What the load before has left to do (snapshots, compaction) is not this measurement's. */
  const measure = async (): Promise<number> => {
    await new Promise((resolve) => setTimeout(resolve, 5000));
    return median([await once(), await once(), await once()]);
  };
  await nc.request(`$JS.API.STREAM.PURGE.${RUNS.name}`, undefined, { timeout: 30_000 });
  await load.throughput("noop-shared", 100, EVENTS_OF_PLAIN_RUN);
  const few = await measure();
  for (let finished = 0; finished < size(95_000); finished += size(19_000))
    await load.throughput("noop-shared", size(19_000), EVENTS_OF_PLAIN_RUN);
  const many = await measure();
  return [
    { name: "CPU per run at 100 finished runs", value: few, unit: "µs" },
    {
      name: `CPU per run at ${size(100_000)} finished runs`,
      value: many,
      unit: "µs",
      goal: { kind: "at most", bound: few * 1.15, rule: "1.15 × that at 100" },
    },
  ];
}

/** The middle one of three rounds: one round on a shared machine says little. */
async function medianOfThree(
  load: Load,
  taskId: string,
  runs: number,
  events = EVENTS_OF_PLAIN_RUN,
): Promise<Throughput> {
  const all: Throughput[] = [];
  for (let round = 0; round < 3; round++) all.push(await load.throughput(taskId, runs, events));
  all.sort((a, b) => a.runsPerSecond - b.runsPerSecond);
  return all[1] as Throughput;
}

function atLeast(name: string, value: number, bound: number, rule: string): Figure {
  return { name, value, unit: "/s", goal: { kind: "at least", bound, rule } };
}
