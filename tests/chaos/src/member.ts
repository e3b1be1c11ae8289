/** A service of the system under test, supervised: whatever ends it, another process takes its place. */
import type { ServiceName, ServiceProcess } from "@millrace/harness";

/** A process that ends by itself is started again after this long, as a supervisor does. */
const RESTART_AFTER_MS = 500;
const READY_MS = 90_000;

export class Member {
  readonly kind: ServiceName;
  readonly name: string;
  /** How often its process ended without having been asked to. */
  ownEnds = 0;
  readonly #start: () => Promise<ServiceProcess>;
  #process: ServiceProcess | undefined;
  #isWanted = false;

  constructor(kind: ServiceName, name: string, start: () => Promise<ServiceProcess>) {
    this.kind = kind;
    this.name = name;
    this.#start = start;
  }

  get pid(): number {
    return this.#process?.running ? this.#process.pid : 0;
  }

  async start(): Promise<void> {
    this.#isWanted = true;
    const started = await this.#start();
    this.#process = started;
    void started.exited.then(async () => {
      if (!this.#isWanted || this.#process !== started) return;
      this.ownEnds++;
      await new Promise((resolve) => setTimeout(resolve, RESTART_AFTER_MS));
      if (this.#isWanted && this.#process === started) await this.start();
    });
  }

  /** Resolves when it is ready, be it with the next process. */
  async ready(): Promise<void> {
    const deadline = Date.now() + READY_MS;
    for (;;)
      try {
        return await this.#process?.ready(deadline - Date.now());
      } catch (error) {
        if (Date.now() > deadline || !this.#isWanted) throw error;
        await new Promise((resolve) => setTimeout(resolve, RESTART_AFTER_MS));
      }
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    this.#isWanted = false;
    await this.#process?.kill();
  }

  /** Stops the process in its tracks, and lets it go on. */
  freeze(): void {
    this.#signal("SIGSTOP");
  }
  thaw(): void {
    this.#signal("SIGCONT");
  }

  async stop(): Promise<void> {
    this.#isWanted = false;
    await this.#process?.stop();
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.pid > 0) process.kill(this.pid, signal);
  }
}
