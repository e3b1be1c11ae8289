/**
 * One run process as its agent sees it: started, loaded, in use, gone.
 *
 * Owns: the child, its connection, checking what it says, and how its end is stated. Does not own: which runs are in
 * it; `refs` is kept by whoever starts and ends them.
 *
 * 1. `onExit` comes once, after everything the process had written was read.
 * 2. Nothing is delivered after `onExit`, nor anything that is not of the protocol: a process that talks nonsense is
 *    killed.
 */
import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import type { Preset, RunError } from "@millrace/proto";
import type { Cgroup } from "./cgroup.ts";
import { exitError } from "./exit.ts";
import { Link } from "./link.ts";
import {
  fromProcessSchema,
  type FromProcess,
  type FromRun,
  type Manifest,
  type ToProcess,
} from "./messages.ts";

export type ProcessEvents = {
  readonly onLoaded: (process: RunProcess, manifest: Manifest) => void;
  /** Something the code of one of its runs says. */
  readonly onMessage: (process: RunProcess, message: FromRun) => void;
  readonly onPrinted: (process: RunProcess, level: string, message: string) => void;
  readonly onExit: (process: RunProcess, error: RunError) => void;
};

/** A process that dropped its connection may call in again this long. */
const REDIAL_WITHIN_MS = 3000;
/** How long the last words of a process that has ended may take to arrive. */
const LAST_WORDS_MS = 500;

export class RunProcess {
  readonly preset: Preset;
  readonly isShared: boolean;
  /** The executions in it. */
  readonly refs = new Set<number>();
  /** Takes no new runs and ends when its last one has ended. */
  isRetired = false;
  idleSince = performance.now();
  /** The file it is importing, or has imported last. */
  importing: string | undefined;
  readonly #child: ChildProcess;
  readonly #events: ProcessEvents;
  readonly #link: Link;
  readonly #pongs: (() => void)[] = [];
  #cgroup: Promise<Cgroup | undefined> = Promise.resolve(undefined);
  #reason: RunError | undefined;
  #hasExited = false;
  #isGone = false;
  #markDrained: () => void = () => undefined;

  constructor(
    child: ChildProcess,
    kind: { readonly preset: Preset; readonly isShared: boolean },
    events: ProcessEvents,
  ) {
    this.#child = child;
    this.preset = kind.preset;
    this.isShared = kind.isShared;
    this.#events = events;
    this.#link = new Link(() => this.#detached());
    child.once("exit", (code, signal) => void this.#ended(code, signal));
    child.once("error", (error) => {
      this.#reason ??= {
        type: "INTERNAL_ERROR",
        code: "TASK_EXECUTION_ABORTED",
        message: `The run process could not be started: ${error.message}`,
      };
      void this.#ended(null, null);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  limitedBy(cgroup: Promise<Cgroup | undefined>): void {
    this.#cgroup = cgroup;
  }

  /** Takes a connection of this process; the result gets what arrives on it. */
  connected(socket: Socket): (message: unknown) => void {
    this.#link.attach(socket);
    return (message) => this.#receive(message);
  }

  send(message: ToProcess): void {
    this.#link.send(message);
  }

  /** Whether its event loop answers. */
  async answers(withinMs: number): Promise<boolean> {
    this.send({ type: "ping" });
    return await new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), withinMs);
      this.#pongs.push(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  /** Ends the process and what it has started. `reason` is how its end is stated to its runs. */
  kill(reason?: RunError): void {
    this.isRetired = true;
    this.#reason ??= reason;
    const { pid } = this.#child;
    if (pid === undefined || this.#hasExited) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // It has no group of its own yet, or has ended.
      this.#child.kill("SIGKILL");
    }
  }

  #receive(value: unknown): void {
    if (this.#isGone) return;
    const parsed = fromProcessSchema.safeParse(value);
    if (parsed.success) return this.#deliver(parsed.data);
    this.kill({
      type: "INTERNAL_ERROR",
      code: "TASK_EXECUTION_ABORTED",
      message: `The run process sent an unknown message: ${parsed.error.message}`,
    });
  }

  #deliver(message: FromProcess): void {
    switch (message.type) {
      case "importing":
        this.importing = message.file;
        return;
      case "loaded":
        return this.#events.onLoaded(this, message.manifest);
      case "printed":
        return this.#events.onPrinted(this, message.level, message.message);
      case "crashed":
        this.isRetired = true;
        this.#reason ??= message.error;
        return;
      case "pong":
        return this.#pongs.shift()?.();
      default:
        return this.#events.onMessage(this, message);
    }
  }

  #detached(): void {
    this.#markDrained();
    if (this.#hasExited) return;
    setTimeout(() => {
      if (this.#link.attached || this.#hasExited) return;
      this.kill({
        type: "INTERNAL_ERROR",
        code: "TASK_EXECUTION_ABORTED",
        message: "The run process closed its connection to the agent",
      });
    }, REDIAL_WITHIN_MS);
  }

  async #ended(code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    if (this.#hasExited) return;
    this.#hasExited = true;
    this.isRetired = true;
    await this.#lastWords();
    const cgroup = await this.#cgroup;
    const outOfMemory = (await cgroup?.close()) ?? false;
    this.#isGone = true;
    this.#events.onExit(this, this.#reason ?? exitError({ code, signal, outOfMemory }));
  }

  async #lastWords(): Promise<void> {
    if (!this.#link.attached) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LAST_WORDS_MS);
      this.#markDrained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
