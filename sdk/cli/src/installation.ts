/**
 * Everything that runs on this machine for one data directory: the broker, unless the user has one, and the services.
 *
 * 1. A process that was started is stopped by `stop`, also when it was only being started.
 * 2. Every process is written down before anybody waits for it.
 */
import { mkdirSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Durability } from "@millrace/broker";
import { ownBroker } from "./broker.ts";
import type { DataDir } from "./data-dir.ts";
import { durabilityOf } from "./durability.ts";
import type { Environment } from "./environment.ts";
import { chooseGatewayPort, DEFAULT_PORT } from "./gateway-port.ts";
import { tailOfLog } from "./log-tail.ts";
import { anyFreePort } from "./ports.ts";
import { ProcessesFile } from "./processes-file.ts";
import { whyNotReady } from "./readiness.ts";
import { spawnService } from "./service-process.ts";
import { serviceEntry, serviceEnvironment, STOP_ORDER, type ServiceName } from "./services.ts";
import { orStopped, StartError } from "./stopping.ts";
import { Supervised, type RunningProcess, type Watcher } from "./supervised.ts";

export const BROKER = "broker";

const PATIENCE_MS = 15_000;
const READY_POLL_MS = 50;
const SAY_WHY_MS = 15_000;
const GIVE_UP_MS = 60_000;
const TAIL_LINES = 12;

export type InstallationOptions = {
  readonly dataDir: DataDir;
  readonly env: Environment;
  readonly tasksDir: string;
  /** As the user gave it. */
  readonly gatewayPort: number | null;
  /** As the user gave it. */
  readonly durability: Durability | null;
  readonly say: (line: string) => void;
  /** A process was given up: nothing works without it. */
  readonly onFatal: (error: StartError) => void;
  /** Aborted before `stop` is called; what is still being started then stops being started. */
  readonly stopping: AbortSignal;
};

export class Installation {
  readonly #options: InstallationOptions;
  readonly #processes: ProcessesFile;
  readonly #services = new Map<ServiceName, Supervised>();
  readonly #healthPorts = new Map<ServiceName, number>();
  /** Where in its log the present process of this name began. */
  readonly #logStarts = new Map<string, number>();
  #broker: Supervised | undefined;
  #gatewayPort = 0;
  #durability: Durability | undefined;
  #ready = false;

  constructor(options: InstallationOptions) {
    this.#options = options;
    this.#processes = new ProcessesFile(options.dataDir.processesFile);
  }

  get tasksDir(): string {
    return this.#options.tasksDir;
  }

  get gatewayPort(): number {
    return this.#gatewayPort;
  }

  /** Of the broker of our own; undefined when it is the user's. */
  get durability(): Durability | undefined {
    return this.#durability;
  }

  /** @returns the broker's address */
  async startBroker(): Promise<string> {
    const { dataDir, env, say, stopping } = this.#options;
    const given = env["MILLRACE_NATS_URL"];
    const durability = durabilityOf(this.#options.durability, env);
    if (given) {
      say("Using the broker of MILLRACE_NATS_URL.");
      return given;
    }
    mkdirSync(dataDir.storeDir, { recursive: true });
    this.#durability = durability;
    const logFile = dataDir.logFile(BROKER);
    const finding = ownBroker(env, dataDir.storeDir, logFile, durability, say);
    const broker = await orStopped(finding, stopping);
    this.#broker = this.#supervise(BROKER, () => broker.start());
    await this.#broker.start();
    return broker.url();
  }

  async startServices(natsUrl: string): Promise<void> {
    for (const name of STOP_ORDER.toReversed()) {
      this.#options.stopping.throwIfAborted();
      const service = this.#supervise(name, () => this.#spawn(name, natsUrl));
      this.#services.set(name, service);
      await service.start();
    }
  }

  /** Resolves when these services do their work. @throws StartError with the end of the log of one that does not */
  async waitUntilReady(names: readonly ServiceName[]): Promise<void> {
    await Promise.all(names.map((name) => this.#waitForOne(name)));
  }

  /** From here on the gateway's address is known outside and stays. */
  settle(): void {
    this.#ready = true;
  }

  async stop(): Promise<void> {
    for (const name of STOP_ORDER) await this.#services.get(name)?.stop();
    await this.#broker?.stop();
  }

  /** Ends everything at once. */
  kill(): void {
    for (const service of this.#services.values()) service.kill();
    this.#broker?.kill();
  }

  async #spawn(name: ServiceName, natsUrl: string): Promise<RunningProcess> {
    const { env, tasksDir, dataDir, gatewayPort, say } = this.#options;
    const healthPort = await anyFreePort();
    this.#healthPorts.set(name, healthPort);
    // Until it was ready once, it may have lost its port to somebody else's gateway that was starting, too.
    if (name === "gateway" && !this.#ready) {
      this.#gatewayPort = await chooseGatewayPort(gatewayPort);
      if (gatewayPort === null && this.#gatewayPort !== DEFAULT_PORT)
        say(`Port ${DEFAULT_PORT} is taken; the gateway takes ${this.#gatewayPort}.`);
    }
    const settings = { natsUrl, healthPort, gatewayPort: this.#gatewayPort, tasksDir };
    const environment = { ...env, ...serviceEnvironment(name, settings) };
    return await spawnService(serviceEntry(name), environment, dataDir.logFile(name));
  }

  #supervise(name: string, start: () => Promise<RunningProcess>): Supervised {
    const { dataDir, say, onFatal } = this.#options;
    const watcher: Watcher = {
      started: (_, pid) => this.#processes.started(name, pid),
      stopped: () => this.#processes.ended(name),
      died: (_, cause, againInMs) => {
        this.#processes.ended(name);
        const what = `${name} ${cause}`;
        if (againInMs === undefined)
          onFatal(new StartError(`${what}, again and again; giving up.${this.#logEnd(name)}`));
        else say(`${what}; it starts again in ${againInMs / 1000} s.${this.#logEnd(name)}`);
      },
    };
    const startLogged = async (): Promise<RunningProcess> => {
      const { size } = statSync(dataDir.logFile(name), { throwIfNoEntry: false }) ?? { size: 0 };
      this.#logStarts.set(name, size);
      return await start();
    };
    return new Supervised(name, startLogged, PATIENCE_MS, watcher);
  }

  async #waitForOne(name: ServiceName): Promise<void> {
    const { stopping, say } = this.#options;
    const startedAt = performance.now();
    for (let saidWhy = false; ;) {
      const reason = await orStopped(whyNotReady(this.#healthPorts.get(name) ?? 0), stopping);
      if (reason === undefined) return;
      const waitedMs = performance.now() - startedAt;
      if (waitedMs > GIVE_UP_MS)
        throw new StartError(
          `${name} is not ready after ${GIVE_UP_MS / 1000} s: ${reason}.${this.#logEnd(name)}`,
        );
      if (!saidWhy && waitedMs > SAY_WHY_MS) {
        saidWhy = true;
        say(`${name} is not ready yet: ${reason}`);
      }
      await orStopped(sleep(READY_POLL_MS), stopping);
    }
  }

  #logEnd(name: string): string {
    const file = this.#options.dataDir.logFile(name);
    const lines = tailOfLog(file, this.#logStarts.get(name) ?? 0, TAIL_LINES);
    if (lines.length === 0) return ` It logged nothing to ${file}.`;
    return ` The end of ${file}:\n${lines.map((line) => `  ${line}`).join("\n")}`;
  }
}
