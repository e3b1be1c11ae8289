/**
 * Keeps one process running: when it dies unasked it is started again, after a pause that grows while it keeps dying
 * young. Five young deaths in a row, and it is given up.
 */
import { setTimeout as sleep } from "node:timers/promises";

export type Exit = { readonly code: number | null; readonly signal: string | null };

export type RunningProcess = {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** Sends a signal and does not wait. */
  kill(signal: NodeJS.Signals): void;
};

export type Watcher = {
  started(name: string, pid: number): void;
  /** @param againInMs until it is started again; undefined when it is given up */
  died(name: string, cause: string, againInMs: number | undefined): void;
  stopped(name: string): void;
};

const YOUNG_MS = 10_000;
const BACKOFF_MS = [1000, 2000, 5000, 10_000] as const;

/** The pause after this many young deaths in a row; undefined: no more. */
export function backoffMs(youngDeaths: number): number | undefined {
  return BACKOFF_MS[Math.max(0, youngDeaths - 1)];
}

export class Supervised {
  readonly name: string;
  readonly #start: () => Promise<RunningProcess>;
  readonly #patienceMs: number;
  readonly #watcher: Watcher;
  readonly #stopping = new AbortController();
  #process: RunningProcess | undefined;
  #keeping: Promise<void> | undefined;

  /** @param patienceMs how long it may take to end when asked to, before it is killed */
  constructor(
    name: string,
    start: () => Promise<RunningProcess>,
    patienceMs: number,
    watcher: Watcher,
  ) {
    this.name = name;
    this.#start = start;
    this.#patienceMs = patienceMs;
    this.#watcher = watcher;
  }

  /** Rejects when the first start fails; later ones count as deaths. */
  async start(): Promise<void> {
    const first = this.#launch();
    this.#keeping = first.then(
      (running) => this.#keep(running),
      () => undefined,
    );
    await first;
  }

  /** Resolves when it is gone, also when it is just being started. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#process?.kill("SIGTERM");
    const force = setInterval(() => this.kill(), this.#patienceMs);
    await this.#keeping;
    clearInterval(force);
  }

  /** Ends it at once, for good. */
  kill(): void {
    this.#stopping.abort();
    this.#process?.kill("SIGKILL");
  }

  async #launch(): Promise<RunningProcess> {
    const running = await this.#start();
    this.#process = running;
    this.#watcher.started(this.name, running.pid);
    // Asked to stop while it was being started.
    if (this.#stopping.signal.aborted) running.kill("SIGTERM");
    return running;
  }

  async #keep(first: RunningProcess): Promise<void> {
    let running: RunningProcess | undefined = first;
    let youngDeaths = 0;
    for (;;) {
      const startedAt = performance.now();
      const cause = await this.#untilItEnds(running);
      running = undefined;
      this.#process = undefined;
      if (this.#stopping.signal.aborted) break;
      youngDeaths = performance.now() - startedAt < YOUNG_MS ? youngDeaths + 1 : 0;
      const pauseMs = backoffMs(youngDeaths);
      this.#watcher.died(this.name, cause, pauseMs);
      if (pauseMs === undefined) break;
      await sleep(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      if (this.#stopping.signal.aborted) break;
    }
    this.#watcher.stopped(this.name);
  }

  /** Why it ended. Started again first, when it does not run. */
  async #untilItEnds(running: RunningProcess | undefined): Promise<string> {
    try {
      const { code, signal } = await (running ?? (await this.#launch())).exited;
      return signal === null ? `exited with code ${code}` : `was killed by ${signal}`;
    } catch (error) {
      return `could not be started: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
}
