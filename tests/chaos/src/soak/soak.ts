/**
 * A long run: what processes hold in memory and the broker on disk, sampled every ten seconds, must be flat in the end.
 *
 * History is kept for 30 days, which no soak lasts. So the log, output and telemetry get a short maximum age here, from
 * outside; coordinators, which at their start would make it 30 days again, are not killed. What the gateways keep of each
 * run for their lists is not shortened, and is judged by the run.
 */
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { residentMb } from "@millrace/harness";
import type { NatsConnection } from "@millrace/nats";
import { OUTPUT, RUNS, TELEMETRY } from "@millrace/proto";
import type { Violation } from "../checker/evidence.ts";
import { aligned } from "../report.ts";
import type { System } from "../system.ts";
import { isFlat, trendOf, type Sample } from "./flat.ts";

const SAMPLE_MS = 10_000;
/** Longer than any run of the load lives, and than anything is done to the system. */
const HISTORY_MS = 120_000;
const NOISE_MB = 16;
/** A gateway's row of one run, with its indexes. */
const ROW_MB = 4 / 1024;

export class Soak {
  readonly #system: System;
  readonly #nc: NatsConnection;
  readonly #series = new Map<string, Sample[]>();
  readonly #timer: NodeJS.Timeout;
  #isBusy = false;

  constructor(system: System, nc: NatsConnection) {
    this.#system = system;
    this.#nc = nc;
    this.#timer = setInterval(() => void this.#look(), SAMPLE_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** @param runs how many there were in the second half */
  violations(runs: number): Violation[] {
    const killed = new Set(this.#system.killed);
    return [...this.#series].flatMap(([name, samples]): Violation[] => {
      const trend = killed.has(name) ? undefined : trendOf(samples);
      if (!trend || isFlat(trend, allowedMb(name, runs))) return [];
      const message = `${name} grew by ${trend.growth.toFixed(1)} MB in the second half, around ${trend.mean.toFixed(0)} MB`;
      return [{ rule: "not flat", message, runIds: [] }];
    });
  }

  table(): string {
    const rows = [...this.#series].map(([name, samples]) => {
      const trend = trendOf(samples);
      const values = samples.map(({ value }) => value);
      return [
        name,
        String(samples.length),
        mb(samples[0]?.value),
        mb(samples.at(-1)?.value),
        mb(Math.max(...values)),
        mb(trend?.mean),
        mb(trend?.growth),
      ];
    });
    return aligned([
      ["MB", "samples", "first", "last", "most", "mean of 2nd half", "growth in it"],
      ...rows,
    ]);
  }

  async #look(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (const { name } of [RUNS, OUTPUT, TELEMETRY])
      await this.#shorten(name).catch(() => undefined);
    const at = Date.now();
    for (const [name, pid] of this.#system.pids())
      this.#note(name, at, () => residentMb([pid]).once);
    for (const { name, storeDir } of this.#system.cluster.nodes)
      this.#note(`store of ${name}`, at, () => sizeMb(join(storeDir, "jetstream")));
    this.#isBusy = false;
  }

  /** What is gone while it is looked at is looked at the next time. */
  #note(name: string, at: number, read: () => number): void {
    try {
      const value = read();
      if (value > 0) this.#series.set(name, [...(this.#series.get(name) ?? []), { at, value }]);
    } catch (error) {
      if (!(error instanceof Error && "code" in error)) throw error;
    }
  }

  async #shorten(stream: string): Promise<void> {
    const answer = await this.#nc.request(`$JS.API.STREAM.INFO.${stream}`);
    const { config } = answer.json<{ readonly config?: { readonly max_age: number } }>();
    const wanted = HISTORY_MS * 1e6;
    if (!config || config.max_age === wanted) return;
    const shorter = JSON.stringify({ ...config, max_age: wanted });
    await this.#nc.request(`$JS.API.STREAM.UPDATE.${stream}`, shorter);
  }
}

function allowedMb(name: string, runs: number): number {
  return name.startsWith("gateway") ? NOISE_MB + ROW_MB * runs : NOISE_MB;
}

function mb(value: number | undefined): string {
  return value === undefined ? "–" : value.toFixed(1);
}

/** Bytes that files take up on the disk, in megabytes. */
function sizeMb(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true }))
    if (entry.isFile())
      bytes +=
        (lstatSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.blocks ?? 0) *
        512;
  return bytes / 1024 ** 2;
}
