/**
 * Room on an agent: CPUs and memory, and who holds how much. Pure bookkeeping, no I/O.
 *
 * 1. What is held never exceeds what there is.
 * 2. A run of a process lane holds its preset's size while it is active. All runs of a shared lane together hold it
 *    once, from the first active one on until `close`; while none is active, others may evict it.
 */
import { laneOf, type Isolation, type MachineSize, type Preset } from "@millrace/proto";

/** What an agent pulls from. */
export type Lane = {
  readonly name: string;
  readonly preset: Preset;
  readonly isolation: Isolation;
  readonly size: Units;
  /** How many runs it could hold at once if the agent held nothing else. */
  readonly capacity: number;
};

/** Whole numbers: thousandths of a CPU, megabytes. */
export type Units = { readonly milliCpus: number; readonly mb: number };

export function unitsOf({ cpu, memoryGb }: MachineSize): Units {
  return { milliCpus: Math.round(cpu * 1000), mb: Math.round(memoryGb * 1024) };
}

/** How many of `size` fit into `room`. */
export function fits(room: Units, size: Units): number {
  return Math.floor(Math.min(room.milliCpus / size.milliCpus, room.mb / size.mb));
}

/** The lanes of every preset that fits at all. */
export function lanesOf(
  presets: readonly Preset[],
  machines: Readonly<Record<Preset, MachineSize>>,
  total: Units,
  sharedConcurrency: number,
): Lane[] {
  return presets.flatMap((preset) => {
    const size = unitsOf(machines[preset]);
    const capacity = fits(total, size);
    if (capacity < 1) return [];
    return [
      { name: laneOf(preset, "process"), preset, isolation: "process", size, capacity },
      {
        name: laneOf(preset, "shared"),
        preset,
        isolation: "shared",
        size,
        capacity: sharedConcurrency,
      },
    ] satisfies Lane[];
  });
}

export class Places {
  readonly #onEvicted: (lane: Lane) => void;
  #free: Units;
  readonly #active = new Map<Lane, number>();
  /** Shared lanes that hold their room. */
  readonly #open = new Set<Lane>();

  constructor(total: Units, onEvicted: (lane: Lane) => void) {
    this.#free = total;
    this.#onEvicted = onEvicted;
  }

  /** What no active run holds. */
  get free(): Units {
    return this.#available();
  }

  active(lane: Lane): number {
    return this.#active.get(lane) ?? 0;
  }

  /** How many more runs of the lane fit now. */
  fit(lane: Lane): number {
    if (lane.isolation === "process") return fits(this.#available(), lane.size);
    if (!this.#open.has(lane) && fits(this.#available(), lane.size) < 1) return 0;
    return Math.max(0, lane.capacity - this.active(lane));
  }

  /** Takes room for one run; false when there is none. */
  take(lane: Lane): boolean {
    return this.fit(lane) >= 1 && this.retake(lane);
  }

  /**
   * Takes room for a run that goes on. It is in the shared process already: how many that takes does not matter, only
   * that the process has its room.
   */
  retake(lane: Lane): boolean {
    const needsRoom = lane.isolation === "process" || !this.#open.has(lane);
    if (needsRoom && fits(this.#available(), lane.size) < 1) return false;
    if (lane.isolation === "process") this.#hold(lane.size);
    else if (!this.#open.has(lane)) {
      this.#hold(lane.size);
      this.#open.add(lane);
    }
    this.#active.set(lane, this.active(lane) + 1);
    return true;
  }

  give(lane: Lane): void {
    this.#active.set(lane, this.active(lane) - 1);
    if (lane.isolation === "process") this.#free = sum(this.#free, lane.size, 1);
  }

  /** A shared lane without active runs gives its room back; false when it has some. */
  close(lane: Lane): boolean {
    if (this.active(lane) > 0) return false;
    if (this.#open.delete(lane)) this.#free = sum(this.#free, lane.size, 1);
    return true;
  }

  #hold(size: Units): void {
    for (const lane of this.#idleShared()) {
      if (fits(this.#free, size) >= 1) break;
      this.close(lane);
      this.#onEvicted(lane);
    }
    this.#free = sum(this.#free, size, -1);
  }

  /** Free room, and that of shared lanes nobody uses at the moment. */
  #available(): Units {
    let units = this.#free;
    for (const lane of this.#idleShared()) units = sum(units, lane.size, 1);
    return units;
  }

  *#idleShared(): Iterable<Lane> {
    for (const lane of this.#open) if (this.active(lane) === 0) yield lane;
  }
}

function sum(a: Units, b: Units, sign: 1 | -1): Units {
  return { milliCpus: a.milliCpus + sign * b.milliCpus, mb: a.mb + sign * b.mb };
}
