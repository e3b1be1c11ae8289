/**
 * A worker agent: loads tasks, registers them, says what it takes, and runs it.
 *
 * The order of the start is what others rely on: tasks and their schedules are registered before the agent is present, and
 * it is present before it takes a run. It stops in the reverse order.
 */
import { hostname } from "node:os";
import { resolve } from "node:path";
import { needsSlot, poolOf, type AgentRecord } from "@millrace/proto";
import {
  Catalog,
  Objects,
  PlatformCalls,
  RunClient,
  waitUntilProvisioned,
  type Environment,
  type ServiceContext,
} from "@millrace/service-kit";
import { loadTasks } from "../bundle/load.ts";
import { maxWaiting, type AgentConfig } from "../config.ts";
import { Cgroups } from "../process/cgroup.ts";
import { ProcessPool } from "../process/pool.ts";
import { Starter } from "../process/starter.ts";
import { makeWorkDir } from "../process/work-dir.ts";
import { declareSchedules } from "./declared-schedules.ts";
import { measureAgent } from "./agent-metrics.ts";
import { capacityOf, offerOf, type Offer } from "./offer.ts";
import { Presence } from "./presence.ts";
import { register } from "./registration.ts";
import { followRunEnvironment } from "./run-environment.ts";
import type { Served } from "./served-tasks.ts";
import { Workload } from "./workload.ts";

type Context = ServiceContext<AgentConfig>;

/** How long a stopping agent waits for a broker that does not answer. */
const FLUSH_MS = 10_000;
/** Those who look for lost agents take their time: what they did meanwhile is looked at again. */
const RECHECK_AFTER_MS = 10_000;

/** @param env the agent's environment, for its run processes */
export async function startAgent(context: Context, env: Environment): Promise<void> {
  const { log, nc, stopping } = context;
  const offer = offerOf(context.config);
  await waitUntilProvisioned(
    nc,
    () => log.info("waiting for a coordinator to set up the broker"),
    stopping,
  );
  if (stopping.aborted) return;
  const runEnvironment = await followRunEnvironment(context, env);
  const processes = await openProcesses(context, offer, runEnvironment);
  const served = await processes.load();
  const { MILLRACE_ENV: name } = context.config;
  await register(nc, name, served);
  const source = sourceOf(context.config, served);
  const schedules = await declareSchedules(nc, name, source, served.tasks);
  const workload = await openWorkload(context, offer, served, processes);
  await goToWork(context, offer, workload, { source, schedules });
  log.info({ tasks: [...served.tasks.keys()], lanes: capacityOf(offer) }, "ready for runs");
}

/** The same for every agent that serves this code, whatever its version. */
function sourceOf(config: AgentConfig, { project }: Served): string {
  const place = resolve(config.MILLRACE_TASKS_DIR ?? config.MILLRACE_CONFIG ?? "");
  return `${config.MILLRACE_POOL}/${project ?? place}`;
}

type Processes = {
  readonly pool: ProcessPool;
  /** Loads the tasks into the first process. */
  readonly load: () => Promise<Served>;
  /** From now on processes work for it. */
  readonly workFor: (workload: Workload) => void;
};

async function openProcesses(
  context: Context,
  offer: Offer,
  runEnvironment: () => Environment,
): Promise<Processes> {
  const { config, log } = context;
  const workDir = await makeWorkDir(config.MILLRACE_BUNDLE_DIR);
  context.onStop("work folder", () => workDir.remove());
  let workload: Workload | undefined;
  const starter = await Starter.open({
    socketPath: workDir.socketPath,
    machines: offer.machines,
    get env() {
      return runEnvironment();
    },
    cgroups: new Cgroups(config.MILLRACE_CGROUP_DIR, (reason) =>
      log.warn({ reason }, "run processes have no memory limit of the kernel's"),
    ),
    onMessage: (process, message) => workload?.receive(process, message),
    onExit: (process, error) => workload?.exited(process, error),
    onPrinted: (level, message) => log.debug({ level }, message),
  });
  context.onStop("run processes", () => starter.stop());
  const pool = new ProcessPool(starter, offer.defaultPreset, (error) =>
    log.error({ err: error, file: error.importing }, "a run process could not be started"),
  );
  context.onStop("process pool", async () => pool.stop());
  return {
    pool,
    workFor: (next) => {
      workload = next;
    },
    load: async () => {
      const loaded = await loadTasks({
        tasksDir: config.MILLRACE_TASKS_DIR,
        config: config.MILLRACE_CONFIG,
        outDir: workDir.bundleDir,
        starter,
        preset: offer.defaultPreset,
      });
      const { withoutEffect } = loaded.served;
      if (withoutEffect.length > 0)
        log.warn({ fields: withoutEffect }, "fields of the configuration have no effect here");
      for (const { file, error } of loaded.served.problems)
        log.error({ file, error }, "not served");
      pool.giveBack(loaded.process);
      return loaded.served;
    },
  };
}

async function openWorkload(
  context: Context,
  offer: Offer,
  served: Served,
  processes: Processes,
): Promise<Workload> {
  const { config, log, nc, publisher, instanceId } = context;
  const env = config.MILLRACE_ENV;
  const catalog = await Catalog.open(nc, env);
  context.onStop("catalog", () => catalog.close());
  const client = new RunClient(nc, publisher, catalog);
  const { MILLRACE_POOL: pool, MILLRACE_VERSION: version } = config;
  const workload = new Workload({
    nc,
    publisher,
    client,
    platform: await PlatformCalls.open(nc, publisher, catalog, client, { role: "meta" }),
    objects: await Objects.open(nc),
    log,
    agentId: instanceId,
    env,
    pools: version === undefined ? [pool] : [pool, poolOf(pool, version)],
    version,
    lanes: offer.lanes,
    total: offer.total,
    tasks: served.tasks,
    processes: processes.pool,
    cancelGraceMs: config.MILLRACE_CANCEL_GRACE_MS,
    maxWaiting: maxWaiting(config),
    isUnlimited: async (queue) => {
      const record = await catalog.queue(env, queue);
      return record !== undefined && !needsSlot(record);
    },
  });
  processes.workFor(workload);
  return workload;
}

async function goToWork(
  context: Context,
  offer: Offer,
  workload: Workload,
  code: Required<Pick<AgentRecord, "source" | "schedules">>,
): Promise<void> {
  const { config, log, nc, publisher, instanceId } = context;
  const record: AgentRecord = {
    id: instanceId,
    env: config.MILLRACE_ENV,
    pool: config.MILLRACE_POOL,
    host: hostname(),
    pid: process.pid,
    startedAt: Date.now(),
    presets: [...offer.presets],
    cpus: config.MILLRACE_CPUS,
    memoryGb: config.MILLRACE_MEMORY_GB,
    capacity: capacityOf(offer),
    ...(config.MILLRACE_VERSION === undefined ? {} : { version: config.MILLRACE_VERSION }),
    ...code,
    draining: false,
  };
  let isDraining = false;
  const recheck = (): void => {
    workload.recheck().catch((error: unknown) => {
      log.error({ err: error }, "runs could not be looked at again");
    });
  };
  const presence = await Presence.start({
    nc,
    log,
    record: () => ({ ...record, draining: isDraining }),
    onLapsed: () => {
      log.warn("presence had lapsed: runs may have been given to others");
      recheck();
      setTimeout(recheck, RECHECK_AFTER_MS);
    },
  });
  context.onStop("presence", async () => {
    // What was stated last should be in the log before others look for this agent's runs.
    const patience = new Promise((resolve) => setTimeout(resolve, FLUSH_MS));
    await Promise.race([publisher.flush(), patience]);
    await presence.stop();
  });
  context.onStop("runs", async () => {
    isDraining = true;
    const said = presence.beat();
    await workload.drain(config.MILLRACE_DRAIN_MS);
    await said;
  });
  measureAgent(context.metrics, instanceId, () => workload.occupancy);
  await workload.start();
  context.setReadiness(() => (isDraining ? { ready: false, reason: "draining" } : { ready: true }));
}
