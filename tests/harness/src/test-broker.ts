/** A real broker with a temporary store and the contract's streams and buckets, which a test may crash and restart. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connectBroker, type NatsConnection } from "@millrace/nats";
import type { BucketDefinition } from "@millrace/proto";
import { provision } from "@millrace/service-kit";
import { launchBroker, type LaunchedBroker } from "./launch-broker.ts";

export class TestBroker {
  readonly #dir: string;
  readonly #connections: NatsConnection[] = [];
  #running: LaunchedBroker;

  private constructor(dir: string, running: LaunchedBroker) {
    this.#dir = dir;
    this.#running = running;
  }

  /** @param setUp makes streams and buckets; tests of provisioning itself bring their own */
  static async start(
    setUp: (nc: NatsConnection) => Promise<void> = (nc) => provision(nc, 1),
  ): Promise<TestBroker> {
    const dir = mkdtempSync(join(tmpdir(), "millrace-nats-"));
    const broker = new TestBroker(dir, await launchBroker({ storeDir: dir }));
    try {
      await setUp(await broker.connect());
      return broker;
    } catch (error) {
      await broker.stop();
      throw error;
    }
  }

  get url(): string {
    return this.#running.url;
  }

  get port(): number {
    return this.#running.port;
  }

  /** A connection that is closed with the broker. */
  async connect(url: string = this.url): Promise<NatsConnection> {
    const nc = await connectBroker({ url, name: "test" });
    this.#connections.push(nc);
    return nc;
  }

  /** The broker's administration, over a connection of its own. */
  async manager(): Promise<JetStreamManager> {
    return await jetstreamManager(await this.connect(), { checkAPI: false });
  }

  /** `kill -9`; resolves when the process is gone. */
  async crash(): Promise<void> {
    await this.#running.kill("SIGKILL");
    await this.#running.exited;
  }

  /** On the port and the store it had. */
  async restart(): Promise<void> {
    this.#running = await launchBroker({ storeDir: this.#dir, port: this.#running.port });
  }

  /** Stops the process in its tracks, and lets it go on. */
  async freeze(): Promise<void> {
    await this.#running.kill("SIGSTOP");
  }
  async thaw(): Promise<void> {
    await this.#running.kill("SIGCONT");
  }

  async stop(): Promise<void> {
    await Promise.all(this.#connections.map((nc) => nc.close()));
    await this.#running.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** A bucket that is not among the contract's. */
export async function createBucket(nc: NatsConnection, bucket: BucketDefinition): Promise<void> {
  await new Kvm(nc).create(bucket.name, {
    history: 1,
    ...(bucket.ttlMs === undefined ? {} : { ttl: bucket.ttlMs, markerTTL: 60_000 }),
  });
}
