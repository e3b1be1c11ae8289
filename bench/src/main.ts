/**
 * `npm run bench [-- --json FILE] [--quick] [--only NAME]`: the platform's figures beside the broker's own, in one run on one machine,
 * all processes and the broker together. One node, file storage, the broker's default fsync.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Millrace } from "@millrace/harness";
import { fanOut } from "./fan-out.ts";
import { idle } from "./idle.ts";
import { keys } from "./keys.ts";
import { EVENTS_OF_LIMITED_RUN, EVENTS_OF_PLAIN_RUN, Load } from "./load.ts";
import { comparePeers, peerTable } from "./peers/main.ts";
import { table, type Figure } from "./report.ts";
import { runList } from "./run-list.ts";
import { scaling } from "./scaling.ts";
import { cpuPerRun, latency, throughput, type Scale } from "./scenarios.ts";
import { subscribers } from "./subscribers.ts";
import { timers } from "./timers.ts";
import { measureYardstick, type Yardstick } from "./yardstick.ts";

const { values: options } = parseArgs({
  options: {
    json: { type: "string" },
    quick: { type: "boolean", default: false },
    only: { type: "string" },
  },
});
const size: Scale = (runs) => Math.round(runs * (options.quick ? 0.1 : 1));

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** What is measured apart from the rest, each on an installation of its own. */
const ALONE: Readonly<Record<string, () => Promise<void>>> = {
  timers: async () => print(undefined, await timers(size, say)),
  "run-list": async () => print(undefined, await runList(size, say)),
  scaling: async () => print(undefined, await scaling(size, say)),
  subscribers: async () => print(undefined, await subscribers(size, say)),
  peers,
};

if (options.only === undefined) await everythingElse();
else {
  const alone = ALONE[options.only];
  if (!alone)
    throw new Error(`--only knows ${Object.keys(ALONE).join(", ")}, not "${options.only}"`);
  await alone();
}

async function peers(): Promise<void> {
  const results = await comparePeers(options.quick, say);
  process.stdout.write(`${peerTable(results, "BullMQ")}\n`);
  if (options.json) writeFileSync(options.json, JSON.stringify(results, null, 2));
}

function print(yardstick: Yardstick | undefined, figures: readonly Figure[]): void {
  process.stdout.write(`${table(yardstick, figures)}\n`);
  if (options.json) writeFileSync(options.json, JSON.stringify({ yardstick, figures }, null, 2));
}

async function everythingElse(): Promise<void> {
  const millrace = await Millrace.start();
  try {
    // Eight small processes for isolated runs: what is measured is the platform, not how many cores there are.
    await millrace.agent(join(import.meta.dirname, "../tasks"), {
      MILLRACE_PRESETS: "micro,small-1x",
      MILLRACE_CPUS: "2.5",
      MILLRACE_MEMORY_GB: "4",
      MILLRACE_LOG_LEVEL: "warn",
    });
    const load = await Load.connect(millrace.natsUrl);
    const nc = await millrace.connect();
    const pids = [millrace.brokerPid, ...[...millrace.services].map(({ pid }) => pid)];

    say("idle");
    const idleFigures = await idle(pids);
    say("warming up");
    for (const task of ["noop-shared", "noop-process"])
      await load.throughput(task, size(3000), EVENTS_OF_PLAIN_RUN);
    await load.throughput("noop-limited", size(3000), EVENTS_OF_LIMITED_RUN);
    say("yardstick");
    const yardstick = await measureYardstick(nc);
    const figures: Figure[] = [...idleFigures];
    say("latency");
    figures.push(...(await latency(load, yardstick, size)));
    say("throughput");
    const rates = await throughput(load, yardstick, size);
    figures.push(...rates);
    say("fan-out");
    figures.push(...(await fanOut(load, rates[0]?.value ?? Number.NaN, size)));
    say("concurrency keys");
    const coordinator = [...millrace.services].find(({ name }) => name === "coordinator");
    figures.push(...(await keys(load, coordinator?.pid ?? 0, size)));
    say("CPU per run");
    figures.push(...(await cpuPerRun(load, nc, pids, size)));

    print(yardstick, figures);
    await load.close();
  } finally {
    await millrace.stop();
  }
}
