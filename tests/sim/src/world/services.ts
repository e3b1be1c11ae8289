/** The services' processes, put together of their real parts as their `main.ts` does it. */
import { MACHINE_SIZES, needsSlot, type AgentRecord, type Preset } from "@millrace/proto";
import { Agents } from "@millrace/coordinator/agents";
import { Leadership } from "@millrace/coordinator/leadership";
import { QueueSettings } from "@millrace/coordinator/queue-settings";
import { Tokens } from "@millrace/coordinator/tokens";
import { PunctualTimers } from "@millrace/scheduler/punctual-timers";
import type { SchedulerMetrics } from "@millrace/scheduler/scheduler-metrics";
import { TimerFirer } from "@millrace/scheduler/timers";
import {
  Catalog,
  Objects,
  PlatformCalls,
  Publisher,
  RunClient,
  type Blobs,
} from "@millrace/service-kit";
import { lanesOf, unitsOf } from "@millrace/worker-agent/places";
import { Presence } from "@millrace/worker-agent/presence";
import { register } from "@millrace/worker-agent/registration";
import type { RunProcess } from "@millrace/worker-agent/run-process";
import { servedTasks } from "@millrace/worker-agent/served-tasks";
import { Workload } from "@millrace/worker-agent/workload";
import type { Start } from "@millrace/worker-agent/messages";
import type { Setting } from "./machine.ts";
import { ENV, SHARDS, TASKS } from "./script.ts";
import { UserProcess } from "./user-process.ts";

/** Nobody scrapes a simulation. */
const noMetrics = { started: () => undefined, finished: () => undefined };
const noLateness = {
  timerFired: () => undefined,
  slotTriggered: () => undefined,
} as unknown as SchedulerMetrics;

export async function startCoordinator(
  { id, connection, log }: Setting,
  blobs: Blobs,
): Promise<void> {
  const nc = connection.client;
  const resources = {
    nc,
    publisher: new Publisher(nc),
    log,
    blobs,
    agents: await Agents.open(nc),
    queues: await QueueSettings.open(nc, log),
    tokens: await Tokens.open(nc, log),
    metrics: noMetrics,
  };
  await Leadership.start(nc, id, resources, SHARDS);
}

export async function startScheduler({ connection, log }: Setting): Promise<void> {
  const nc = connection.client;
  const publisher = new Publisher(nc);
  await TimerFirer.start(nc, publisher, log, noLateness);
  void new PunctualTimers(nc, publisher, log, noLateness);
}

/** Room for so many runs at once. */
const PLACES = 3;
const PRESET: Preset = "small-1x";
const START_MS = 20;
/** As `agent.ts` has it. */
const RECHECK_AFTER_MS = 10_000;

const SERVED = servedTasks({
  tasks: TASKS.map(({ id, limit, retry, isShared }) => ({
    id,
    filePath: `${id}.ts`,
    isolation: isShared ? ("shared" as const) : ("process" as const),
    ...(limit === null ? {} : { queue: { concurrencyLimit: limit } }),
    ...(retry ? { retry } : {}),
  })),
  queues: [],
  errors: [],
  folders: {},
});

/** @param onStarted the code of a run begins */
export async function startAgent(
  { id, connection, log }: Setting,
  onStarted: (agentId: string, start: Start) => void,
): Promise<void> {
  const nc = connection.client;
  const publisher = new Publisher(nc);
  await register(nc, ENV, SERVED);
  const catalog = await Catalog.open(nc, ENV);
  const client = new RunClient(nc, publisher, catalog);
  const total = unitsOf({ cpu: PLACES / 2, memoryGb: PLACES / 2 });
  const lanes = lanesOf([PRESET], MACHINE_SIZES, total, 4);
  const workload: Workload = new Workload({
    nc,
    publisher,
    client,
    platform: await PlatformCalls.open(nc, publisher, catalog, client, { role: "meta" }),
    objects: await Objects.open(nc),
    log,
    agentId: id,
    env: ENV,
    pools: ["default"],
    version: undefined,
    lanes,
    total,
    tasks: SERVED.tasks,
    processes: processesOf(
      () => workload,
      (start) => onStarted(id, start),
    ),
    cancelGraceMs: 5000,
    maxWaiting: 2,
    isUnlimited: async (queue) => {
      const record = await catalog.queue(ENV, queue);
      return record !== undefined && !needsSlot(record);
    },
  });
  const record: AgentRecord = {
    id,
    env: ENV,
    pool: "default",
    host: id,
    pid: 1,
    startedAt: Date.now(),
    presets: [PRESET],
    cpus: PLACES / 2,
    memoryGb: PLACES / 2,
    capacity: Object.fromEntries(lanes.map((lane) => [lane.name, lane.capacity])),
    source: "sim",
    schedules: [],
    draining: false,
  };
  const recheck = (): void => void workload.recheck();
  await Presence.start({
    nc,
    log,
    record: () => record,
    onLapsed: () => {
      recheck();
      setTimeout(recheck, RECHECK_AFTER_MS);
    },
  });
  await workload.start();
}

type Pool = ConstructorParameters<typeof Workload>[0]["processes"];

/** As `ProcessPool`: the processes of one preset, idle ones used again. */
function processesOf(workload: () => Workload, onStarted: (start: Start) => void): Pool {
  const idle: RunProcess[] = [];
  let shared: Promise<RunProcess> | undefined;
  let sharedProcess: RunProcess | undefined;
  const start = async (preset: Preset, isShared: boolean): Promise<RunProcess> => {
    await new Promise((resolve) => setTimeout(resolve, START_MS));
    return new UserProcess(preset, isShared, {
      onMessage: (process, message) => workload().receive(process, message),
      onExit: (process, error) => workload().exited(process, error),
      onStarted,
    }).asRunProcess;
  };
  const retire = (process: RunProcess): void => {
    process.isRetired = true;
    if (process.refs.size === 0) process.kill();
  };
  return {
    take: async (preset) => idle.pop() ?? (await start(preset, false)),
    shared: async (preset) => {
      if (!shared || sharedProcess?.isRetired) {
        sharedProcess = undefined;
        shared = start(preset, true).then((process) => (sharedProcess = process));
      }
      return await shared;
    },
    giveBack: (process) => {
      if (process.isRetired) process.kill();
      else idle.push(process);
    },
    retireShared: retire,
    sharedIdle: () => {
      if (sharedProcess && sharedProcess.refs.size === 0) retire(sharedProcess);
    },
    exited: (process) => {
      const at = idle.indexOf(process);
      if (at >= 0) idle.splice(at, 1);
    },
  };
}

/** Snapshots of shards: kept in memory, written and read in the time the broker would take. */
export function blobsOf(stored: Map<string, Uint8Array>): Blobs {
  const later = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return {
    get: async (name) => {
      await later();
      return stored.get(name);
    },
    put: async (name, bytes) => {
      await later();
      stored.set(name, bytes);
    },
  };
}
