/**
 * Who gets which run process: started ahead, reused, reaped.
 *
 * Does not own: room (who asks for a process has some), nor what runs in it.
 *
 * 1. `take` gives a process no other run is in. It comes back with `giveBack`, or dies.
 * 2. One idle process of the default preset is kept ready; others are ended after a minute without use.
 * 3. A retired process (it crashed, was killed, or holds code that did not stop) is never given out again.
 */
import type { Preset } from "@millrace/proto";
import type { RunProcess } from "./run-process.ts";
import type { ProcessStartError, Starter } from "./starter.ts";

type Waiter = { resolve(process: RunProcess): void; reject(error: unknown): void };

/** The processes of one preset in which one run at a time is executed. */
type Stock = { readonly idle: RunProcess[]; readonly waiters: Waiter[]; starting: number };

/** The process that runs of one preset share; undefined while it starts. */
type Shared = { readonly started: Promise<RunProcess>; process: RunProcess | undefined };

const IDLE_MS = 60_000;
const REAP_EVERY_MS = 10_000;
/** A process that is started ahead waits for a calmer moment. */
const AHEAD_AFTER_MS = 100;
/** One that ended unused is replaced later: its successor may end the same way. */
const AGAIN_AFTER_MS = 2000;

export class ProcessPool {
  readonly #starter: Starter;
  readonly #defaultPreset: Preset;
  readonly #onAheadFailed: (error: ProcessStartError) => void;
  readonly #stocks = new Map<Preset, Stock>();
  readonly #shared = new Map<Preset, Shared>();
  readonly #reaper: NodeJS.Timeout;
  #aheadTimer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    starter: Starter,
    defaultPreset: Preset,
    onAheadFailed: (error: ProcessStartError) => void,
  ) {
    this.#starter = starter;
    this.#defaultPreset = defaultPreset;
    this.#onAheadFailed = onAheadFailed;
    this.#reaper = setInterval(() => this.#reap(), REAP_EVERY_MS);
  }

  /** @throws ProcessStartError */
  async take(preset: Preset): Promise<RunProcess> {
    const stock = this.#stock(preset);
    const process = stock.idle.pop();
    if (process) {
      if (preset === this.#defaultPreset && stock.idle.length === 0)
        this.#startAhead(AHEAD_AFTER_MS);
      return process;
    }
    return await new Promise((resolve, reject) => {
      stock.waiters.push({ resolve, reject });
      if (stock.starting < stock.waiters.length) this.#start(preset);
    });
  }

  /** Takes back a process no run is in, or one that has just been started. */
  giveBack(process: RunProcess): void {
    if (this.#stopped || process.isRetired) return process.kill();
    const stock = this.#stock(process.preset);
    const waiter = stock.waiters.shift();
    if (waiter) return waiter.resolve(process);
    process.idleSince = performance.now();
    stock.idle.push(process);
  }

  /**
   * The process that runs of this preset share, started when there is none.
   * @throws ProcessStartError
   */
  shared(preset: Preset): Promise<RunProcess> {
    const known = this.#shared.get(preset);
    if (known && !known.process?.isRetired) return known.started;
    const shared: Shared = { started: this.#startShared(preset), process: undefined };
    this.#shared.set(preset, shared);
    shared.started.then(
      (process) => {
        shared.process = process;
      },
      () => {
        if (this.#shared.get(preset) === shared) this.#shared.delete(preset);
      },
    );
    return shared.started;
  }

  /** The next run of the preset gets a new shared process. This one ends when the last run has left it. */
  retireShared(process: RunProcess): void {
    process.isRetired = true;
    if (process.refs.size === 0) process.kill();
  }

  /** Nobody uses the shared process of this preset any more; runs that wait in it keep it alive. */
  sharedIdle({ preset }: { readonly preset: Preset }): void {
    const process = this.#shared.get(preset)?.process;
    if (process && process.refs.size === 0) this.retireShared(process);
  }

  /** Drops what the pool knows of a process that has ended. */
  exited(process: RunProcess): void {
    if (process.isShared) return;
    const { idle } = this.#stock(process.preset);
    const at = idle.indexOf(process);
    if (at >= 0) idle.splice(at, 1);
    if (process.preset === this.#defaultPreset && idle.length === 0)
      this.#startAhead(AGAIN_AFTER_MS);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#reaper);
    clearTimeout(this.#aheadTimer);
  }

  #stock(preset: Preset): Stock {
    let stock = this.#stocks.get(preset);
    if (!stock) {
      stock = { idle: [], waiters: [], starting: 0 };
      this.#stocks.set(preset, stock);
    }
    return stock;
  }

  #start(preset: Preset): void {
    const stock = this.#stock(preset);
    stock.starting++;
    this.#starter.start(preset, false).then(
      ({ process }) => {
        stock.starting--;
        this.giveBack(process);
      },
      (error: ProcessStartError) => {
        stock.starting--;
        if (this.#stopped) return;
        if (stock.waiters.length > stock.starting) stock.waiters.shift()?.reject(error);
        else this.#onAheadFailed(error);
      },
    );
  }

  #startAhead(afterMs: number): void {
    if (this.#stopped) return;
    this.#aheadTimer ??= setTimeout(() => {
      this.#aheadTimer = undefined;
      const stock = this.#stock(this.#defaultPreset);
      if (!this.#stopped && stock.idle.length === 0 && stock.starting === 0)
        this.#start(this.#defaultPreset);
    }, afterMs);
  }

  async #startShared(preset: Preset): Promise<RunProcess> {
    const { process } = await this.#starter.start(preset, true);
    return process;
  }

  #reap(): void {
    const now = performance.now();
    for (const [preset, { idle }] of this.#stocks) {
      const keep = preset === this.#defaultPreset ? 1 : 0;
      // The longest unused are in front: the newest is taken first.
      while (idle.length > keep && now - (idle[0]?.idleSince ?? now) > IDLE_MS)
        idle.shift()?.kill();
    }
  }
}
