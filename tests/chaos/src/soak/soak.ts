/**
 * A long run: what processes hold in memory and the broker on disk, sampled every ten seconds, must be flat in the end.
 *
 * Runs are kept for some minutes only, by the installation's own setting, so that what is kept for a time has as much
 * coming as going. Every service is killed now and then, the broker too: memory is judged by role, not by process.
 */
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { residentMb } from "@millrace/harness";
import type { Violation } from "../checker/evidence.ts";
import { aligned } from "../aligned.ts";
import type { System } from "../system.ts";
import { courseOf, isFlat, type Course, type Sample } from "./flat.ts";

const SAMPLE_MS = 10_000;
const BYTES_OF_BLOCK = 512;

/** Megabytes. */
export type Measured = Course & { readonly samples: number; readonly isFlat: boolean };

export class Soak {
  readonly #system: System;
  readonly #from = Date.now();
  readonly #series = new Map<string, Sample[]>();
  readonly #timer: NodeJS.Timeout;

  constructor(system: System) {
    this.#system = system;
    this.#timer = setInterval(() => this.#look(), SAMPLE_MS);
  }

  /** What was measured from the beginning until now, by what it was measured of; nothing is measured afterwards. */
  end(): ReadonlyMap<string, Measured> {
    clearInterval(this.#timer);
    const span = { from: this.#from, to: Date.now() };
    return new Map(
      [...this.#series].map(([name, samples]) => {
        const course = courseOf(samples, span);
        return [name, { ...course, samples: samples.length, isFlat: isFlat(course) }];
      }),
    );
  }

  #look(): void {
    const at = Date.now();
    for (const { role, pid } of this.#system.processes())
      this.#note(`memory of a ${role}`, at, () => residentMb([pid]).once);
    for (const { name, storeDir } of this.#system.cluster.nodes)
      this.#note(`store of ${name}`, at, () => sizeMb(join(storeDir, "jetstream")));
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
}

export function growths(measured: ReadonlyMap<string, Measured>): Violation[] {
  return [...measured]
    .filter(([, course]) => !course.isFlat)
    .map(([name, { quarters }]) => ({
      rule: "not flat",
      message: `${name} grew from ${mb(quarters[1])} MB in the second quarter to ${mb(quarters[3])} MB in the last`,
      runIds: [],
    }));
}

export function soakTable(measured: ReadonlyMap<string, Measured>): string {
  const rows = [...measured].map(([name, { samples, quarters, most }]) => [
    name,
    String(samples),
    ...quarters.map(mb),
    mb(most),
    ((quarters[3] ?? NaN) / (quarters[1] ?? NaN)).toFixed(2),
  ]);
  const medians = ["1st quarter", "2nd", "3rd", "4th"];
  return aligned([["median MB", "samples", ...medians, "most", "4th/2nd"], ...rows]);
}

function mb(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? "–" : value.toFixed(1);
}

/** Bytes that files take up on the disk, in megabytes. */
function sizeMb(folder: string): number {
  let blocks = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const file = lstatSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false });
    blocks += file?.blocks ?? 0;
  }
  return (blocks * BYTES_OF_BLOCK) / 1024 ** 2;
}
