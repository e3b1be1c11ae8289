/** What one system is measured by. Loads are open: what is triggered when does not depend on how fast it is done. */
import { build, type Histogram } from "hdr-histogram-js";
import { cpuSeconds } from "@millrace/harness";
import { now, sleep, type RunningSystem } from "./system.ts";

export type Measurement = {
  readonly jobsPerSecond: number;
  readonly cpuMicrosPerJob: number;
  readonly idleP50Ms: number;
  readonly idleP99Ms: number;
  readonly steadyP50Ms: number;
  readonly steadyP99Ms: number;
  /** undefined: the system has no such thing. */
  readonly fanOutMs: number | undefined;
  readonly delayedP50Ms: number;
  readonly delayedP99Ms: number;
};

export type Sizes = {
  readonly rounds: number;
  readonly idleSamples: number;
  readonly steadyPerSecond: number;
  readonly steadySeconds: number;
  readonly fanOutItems: number;
  readonly delayed: number;
};

const IN_FLIGHT = 512;
const IDLE_PAUSE_MS = 5;
const LOOK_EVERY_MS = 5;
const DELAY_MS = 5000;
const REST_MS = 1500;
const REST_AT_MOST_MS = 30_000;
/** Of a core, over half a second: less is at rest. */
const REST_CPU = 0.1;
const REST_LOOK_MS = 500;

export async function measure(
  system: RunningSystem,
  jobs: number,
  sizes: Sizes,
): Promise<Measurement> {
  await throughput(system, Math.ceil(jobs / 4));
  const rounds = [];
  for (let round = 0; round < sizes.rounds; round++) rounds.push(await throughput(system, jobs));
  rounds.sort((a, b) => a.perSecond - b.perSecond);
  const middle = rounds[Math.floor(rounds.length / 2)];
  const idle = await latency(system, () => oneAtATime(system, sizes.idleSamples));
  const steady = await latency(system, () => openLoop(system, sizes));
  const fanOut = await joins(system, sizes.fanOutItems);
  const delayed = await latency(system, () => burst(system, sizes.delayed));
  return {
    jobsPerSecond: middle?.perSecond ?? Number.NaN,
    cpuMicrosPerJob: middle?.cpuMicros ?? Number.NaN,
    idleP50Ms: at(idle, 50),
    idleP99Ms: at(idle, 99),
    steadyP50Ms: at(steady, 50),
    steadyP99Ms: at(steady, 99),
    fanOutMs: fanOut,
    delayedP50Ms: at(delayed, 50),
    delayedP99Ms: at(delayed, 99),
  };
}

/** From the first trigger to the last end. */
async function throughput(
  system: RunningSystem,
  jobs: number,
): Promise<{ perSecond: number; cpuMicros: number }> {
  await rest(system);
  const before = await system.ended();
  const { pids } = system;
  const cpuBefore = cpuSeconds(pids) ?? Number.NaN;
  const startedAt = now();
  let next = 0;
  const trigger = async (): Promise<void> => {
    while (next++ < jobs) await system.trigger(0);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, trigger));
  await until(system, before + jobs);
  const seconds = (now() - startedAt) / 1000;
  const cpu = (cpuSeconds(pids) ?? Number.NaN) - cpuBefore;
  return { perSecond: jobs / seconds, cpuMicros: (cpu / jobs) * 1e6 };
}

/** What a system has left to do from the load before is not the next figure's. */
async function rest({ pids }: RunningSystem): Promise<void> {
  const deadline = now() + REST_AT_MOST_MS;
  await sleep(REST_MS);
  for (let isBusy = true; isBusy && now() < deadline;) {
    const before = cpuSeconds(pids) ?? Number.NaN;
    await sleep(REST_LOOK_MS);
    isBusy = (cpuSeconds(pids) ?? Number.NaN) - before >= (REST_CPU * REST_LOOK_MS) / 1000;
  }
}

/** Each after the one before has ended, workers idle. */
async function oneAtATime(system: RunningSystem, samples: number): Promise<number> {
  for (let i = 0; i < samples; i++) {
    const before = await system.ended();
    await system.trigger(now());
    await until(system, before + 1);
    await sleep(IDLE_PAUSE_MS);
  }
  return samples;
}

/** At a fixed rate; a job counts from when it was to be triggered, whenever that really happened. */
async function openLoop(
  system: RunningSystem,
  { steadyPerSecond, steadySeconds }: Sizes,
): Promise<number> {
  const jobs = steadyPerSecond * steadySeconds;
  const startAt = now() + 100;
  const pending: Promise<void>[] = [];
  for (let n = 0; n < jobs; n++) {
    const at = startAt + (n * 1000) / steadyPerSecond;
    if (at > now()) await sleep(at - now());
    pending.push(system.trigger(at));
  }
  await Promise.all(pending);
  return jobs;
}

/** All due at once. */
async function burst(system: RunningSystem, jobs: number): Promise<number> {
  const dueAt = now() + DELAY_MS;
  let next = 0;
  const trigger = async (): Promise<void> => {
    while (next++ < jobs) await system.trigger(dueAt, Math.max(0, dueAt - now()));
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, trigger));
  return jobs;
}

/** The middle of five. */
async function joins(system: RunningSystem, items: number): Promise<number | undefined> {
  if (!system.fanOut) return undefined;
  const rounds: number[] = [];
  for (let round = 0; round < 5; round++) {
    await rest(system);
    rounds.push(await system.fanOut(items));
  }
  return rounds.toSorted((a, b) => a - b)[2];
}

/** Milliseconds to the first lines of what `load` triggers. */
async function latency(system: RunningSystem, load: () => Promise<number>): Promise<Histogram> {
  await rest(system);
  await system.latencies();
  const before = await system.ended();
  const jobs = await load();
  await until(system, before + jobs);
  const latencies = await system.latencies();
  if (latencies.length !== jobs)
    throw new Error(`${jobs} jobs were triggered, ${latencies.length} were measured`);
  const histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 120e6 });
  for (const ms of latencies) histogram.recordValue(Math.max(1, Math.round(ms * 1000)));
  return histogram;
}

function at(histogram: Histogram, percentile: number): number {
  return histogram.getValueAtPercentile(percentile) / 1000;
}

async function until(system: RunningSystem, ended: number): Promise<void> {
  while ((await system.ended()) < ended) await sleep(LOOK_EVERY_MS);
}
