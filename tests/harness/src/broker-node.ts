/** One nats-server with a store of its own, which a test may kill, freeze, starve of disk and start again. */
import { join } from "node:path";
import type { ClusterNode, Durability } from "@millrace/broker";
import { launchBroker, type LaunchedBroker } from "./launch-broker.ts";
import { SmallDisk } from "./small-disk.ts";

export type BrokerNodeOptions = {
  readonly name: string;
  /** Its store and its log are in here. */
  readonly dir: string;
  readonly cluster?: ClusterNode;
  /** Megabytes of a disk of its own, which can be filled. Default: the machine's disk, which cannot. */
  readonly diskMb?: number | undefined;
  /** Default: `fast`. */
  readonly durability?: Durability | undefined;
  /** Where its writes are noted, for `copyAfterPowerLoss`. Default: nowhere. */
  readonly traceFile?: string | undefined;
};

export class BrokerNode {
  readonly name: string;
  readonly storeDir: string;
  readonly logFile: string;
  readonly #cluster: ClusterNode | undefined;
  readonly #durability: Durability | undefined;
  readonly #traceFile: string | undefined;
  readonly #disk: SmallDisk | undefined;
  #running: LaunchedBroker | undefined;
  #port = 0;

  constructor({ name, dir, cluster, diskMb, durability, traceFile }: BrokerNodeOptions) {
    this.name = name;
    this.storeDir = join(dir, name);
    this.logFile = join(dir, "logs", `${name}.log`);
    this.#cluster = cluster;
    this.#durability = durability;
    this.#traceFile = traceFile;
    this.#disk = diskMb === undefined ? undefined : SmallDisk.mount(this.storeDir, diskMb);
  }

  /** Where clients find it; the same after every start. */
  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  /** 0 when it does not run. */
  get pid(): number {
    return this.#running?.pid ?? 0;
  }

  /** On the port and the store it had before. */
  async start(): Promise<void> {
    this.#running = await launchBroker({
      traceFile: this.#traceFile,
      durability: this.#durability,
      storeDir: this.storeDir,
      logFile: this.logFile,
      port: this.#port,
      ...(this.#cluster ? { cluster: this.#cluster } : {}),
    });
    this.#port = this.#running.port;
  }

  /** `kill -9`; resolves when the process is gone. */
  async crash(): Promise<void> {
    await this.#running?.kill("SIGKILL");
    await this.#running?.exited;
    this.#running = undefined;
  }

  /** Stops the process in its tracks, and lets it go on. */
  async freeze(): Promise<void> {
    await this.#running?.kill("SIGSTOP");
  }
  async thaw(): Promise<void> {
    await this.#running?.kill("SIGCONT");
  }

  /** Only where it has a disk of its own. */
  fillDisk(): void {
    this.#disk?.fill();
  }
  freeDisk(): void {
    this.#disk?.free();
  }

  /** In order; resolves when the process is gone. */
  async stop(): Promise<void> {
    await this.#running?.stop();
    this.#running = undefined;
  }

  /** Stops it, and gives back its disk. */
  async dispose(): Promise<void> {
    await this.stop();
    this.#disk?.unmount();
  }
}
