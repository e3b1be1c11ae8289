/**
 * `npm run bench -- --only peers`: the same work on Millrace and on other systems, one after the other in one run on one
 * machine. Each line says what an acknowledged job survives.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measure, type Measurement, type Sizes } from "./measure.ts";
import { millraceSystem } from "./millrace-system.ts";
import { peer } from "./peer.ts";
import { SystemMissing, type System } from "./system.ts";

const REDIS = { program: "/usr/bin/redis-server", debian: "redis-server" };
const POSTGRES = { program: "/usr/lib/postgresql", debian: "postgresql" };
const SYNCED = "WAL, fsync before each acknowledgement";

const SYSTEMS: readonly System[] = [
  millraceSystem("shared", 20_000),
  peer({
    module: "bullmq",
    name: "BullMQ",
    durability: "Redis' snapshots alone (its default)",
    jobs: 20_000,
    needs: REDIS,
  }),
  peer({
    module: "bullmq",
    name: "BullMQ, AOF",
    durability: "Redis' append-only file, fsync every second",
    jobs: 20_000,
    needs: REDIS,
    server: { aof: true },
  }),
  millraceSystem("process", 6000),
  peer({
    module: "graphile",
    name: "Graphile Worker",
    durability: SYNCED,
    jobs: 4000,
    needs: POSTGRES,
  }),
  peer({
    module: "graphile",
    name: "Graphile Worker, batches",
    durability: SYNCED,
    jobs: 10_000,
    needs: POSTGRES,
    worker: { isBatched: true },
  }),
  peer({ module: "pg-boss", name: "pg-boss", durability: SYNCED, jobs: 4000, needs: POSTGRES }),
  peer({
    module: "restate",
    name: "Restate",
    durability: "log on disk, one node (its default)",
    jobs: 3000,
  }),
];

export type PeerResult = {
  readonly system: string;
  readonly durability: string;
} & ({ readonly measured: Measurement } | { readonly skipped: string });

export async function comparePeers(
  isQuick: boolean,
  say: (line: string) => void,
): Promise<readonly PeerResult[]> {
  const scale = isQuick ? 0.1 : 1;
  const sizes: Sizes = {
    rounds: isQuick ? 1 : 3,
    idleSamples: Math.round(300 * scale),
    steadyPerSecond: 200,
    steadySeconds: isQuick ? 2 : 10,
    fanOutItems: Math.round(1000 * scale),
    delayed: Math.round(1000 * scale),
  };
  const results: PeerResult[] = [];
  for (const system of SYSTEMS) {
    const { name, durability } = system;
    say(name);
    const dir = mkdtempSync(join(tmpdir(), "millrace-peer-"));
    try {
      const running = await system.start(dir);
      try {
        const measured = await measure(running, Math.round(system.jobs * scale), sizes);
        results.push({ system: name, durability, measured });
      } finally {
        await running.stop();
      }
    } catch (error) {
      if (!(error instanceof SystemMissing)) throw error;
      say(`skipped: ${error.message}`);
      results.push({ system: name, durability, skipped: error.message });
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }
  return results;
}

/** One line a system; in brackets the ratio to the reference. */
export function peerTable(results: readonly PeerResult[], reference: string): string {
  const base = results.find(({ system }) => system === reference);
  const than = base && "measured" in base ? base.measured : undefined;
  const rows = results.map((result) => {
    if ("skipped" in result) return [result.system, `skipped: ${result.skipped}`];
    const { measured: m } = result;
    const cell = (value: number | undefined, base: number | undefined, unit: string): string =>
      value === undefined
        ? "–"
        : `${format(value)} ${unit}${base === undefined ? "" : ` (${(value / base).toFixed(2)})`}`;
    return [
      result.system,
      cell(m.jobsPerSecond, than?.jobsPerSecond, "/s"),
      cell(m.cpuMicrosPerJob, than?.cpuMicrosPerJob, "µs"),
      cell(m.idleP50Ms, than?.idleP50Ms, "ms"),
      cell(m.idleP99Ms, than?.idleP99Ms, "ms"),
      cell(m.steadyP50Ms, than?.steadyP50Ms, "ms"),
      cell(m.steadyP99Ms, than?.steadyP99Ms, "ms"),
      cell(m.fanOutMs, than?.fanOutMs, "ms"),
      cell(m.delayedP50Ms, than?.delayedP50Ms, "ms"),
      cell(m.delayedP99Ms, than?.delayedP99Ms, "ms"),
      result.durability,
    ];
  });
  const head = [
    `system (ratio to ${reference})`,
    "no-op jobs",
    "CPU a job",
    "first line p50",
    "p99",
    "at 200/s p50",
    "p99",
    "fan-out, join",
    "delayed p50",
    "p99",
    "an acknowledged job survives by",
  ];
  const lines = [head, head.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function format(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(value >= 10 ? 1 : 2);
}
