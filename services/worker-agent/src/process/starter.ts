/**
 * From nothing to a run process that has loaded the tasks.
 *
 * Owns: the socket, the tokens, and every process that is alive. Does not own: who gets a process.
 */
import { randomBytes } from "node:crypto";
import type { Preset, RunError } from "@millrace/proto";
import type { Environment } from "@millrace/service-kit";
import type { MachineSizes } from "../config.ts";
import type { Cgroups } from "./cgroup.ts";
import { Listener, type Admit } from "./listener.ts";
import type { Entry, FromRun, Manifest } from "./messages.ts";
import { RunProcess, type ProcessEvents } from "./run-process.ts";
import { spawnRunProcess } from "./spawn.ts";

export type StarterOptions = {
  readonly socketPath: string;
  readonly machines: MachineSizes;
  readonly cgroups: Cgroups;
  readonly env: Environment;
  readonly onMessage: (process: RunProcess, message: FromRun) => void;
  /** A process that had loaded has ended. */
  readonly onExit: (process: RunProcess, error: RunError) => void;
  readonly onPrinted: (level: string, message: string) => void;
};

export type Loaded = { readonly process: RunProcess; readonly manifest: Manifest };

/** A process ended before it could be used. */
export class ProcessStartError extends Error {
  override readonly name = "ProcessStartError";
  readonly runError: RunError;
  /** The file whose import it did not survive. */
  readonly importing: string | undefined;
  constructor(runError: RunError, importing: string | undefined) {
    const why = "message" in runError ? runError.message : runError.type;
    super(`A run process ended before it was ready: ${why}`);
    this.runError = runError;
    this.importing = importing;
  }
}

type Loading = { resolve(loaded: Loaded): void; reject(error: ProcessStartError): void };

const LOAD_WITHIN_MS = 60_000;

export class Starter {
  readonly #options: StarterOptions;
  readonly #events: ProcessEvents;
  readonly #byToken = new Map<string, RunProcess>();
  readonly #alive = new Set<RunProcess>();
  readonly #loading = new Map<RunProcess, Loading>();
  #listener: Listener | undefined;
  #entries: readonly Entry[] = [];

  private constructor(options: StarterOptions) {
    this.#options = options;
    this.#events = {
      onLoaded: (process, manifest) => {
        this.#loading.get(process)?.resolve({ process, manifest });
        this.#loading.delete(process);
      },
      onMessage: (process, message) => options.onMessage(process, message),
      onPrinted: (_, level, message) => options.onPrinted(level, message),
      onExit: (process, error) => this.#exited(process, error),
    };
  }

  static async open(options: StarterOptions): Promise<Starter> {
    const starter = new Starter(options);
    starter.#listener = await Listener.start(options.socketPath, starter.#admit);
    return starter;
  }

  /** What processes load from now on. */
  serve(entries: readonly Entry[]): void {
    this.#entries = entries;
  }

  /** @throws ProcessStartError */
  async start(preset: Preset, isShared: boolean): Promise<Loaded> {
    const token = randomBytes(16).toString("hex");
    const memoryMb = this.#options.machines[preset].memoryGb * 1024;
    const child = spawnRunProcess({
      socketPath: this.#options.socketPath,
      token,
      memoryMb,
      env: this.#options.env,
    });
    const process = new RunProcess(child, { preset, isShared }, this.#events);
    if (process.pid !== undefined)
      process.limitedBy(this.#options.cgroups.limit(process.pid, memoryMb));
    this.#byToken.set(token, process);
    this.#alive.add(process);
    process.send({ type: "load", entries: this.#entries, machines: this.#options.machines });
    const timer = setTimeout(() => process.kill(tookTooLong(process)), LOAD_WITHIN_MS);
    try {
      return await new Promise((resolve, reject) => {
        this.#loading.set(process, { resolve, reject });
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Kills every process and resolves when all have ended. */
  async stop(): Promise<void> {
    for (const process of this.#alive) process.kill();
    while (this.#alive.size > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    this.#listener?.stop();
  }

  readonly #admit: Admit = (token, socket) => this.#byToken.get(token)?.connected(socket);

  #exited(process: RunProcess, error: RunError): void {
    this.#alive.delete(process);
    for (const [token, known] of this.#byToken) if (known === process) this.#byToken.delete(token);
    const loading = this.#loading.get(process);
    if (!loading) return this.#options.onExit(process, error);
    this.#loading.delete(process);
    loading.reject(new ProcessStartError(error, process.importing));
  }
}

function tookTooLong(process: RunProcess): RunError {
  const where = process.importing === undefined ? "" : `: ${process.importing} does not end`;
  return {
    type: "INTERNAL_ERROR",
    code: "TASK_EXECUTION_ABORTED",
    message: `Importing the task files took over ${LOAD_WITHIN_MS / 1000} s${where}`,
  };
}
