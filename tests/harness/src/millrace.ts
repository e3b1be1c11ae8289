/**
 * A whole Millrace on one machine: a real broker with a temporary store, and real service processes. Everything it
 * starts it stops.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectBroker, registerKey, SecretBox, type NatsConnection } from "@millrace/nats";
import { freePort, ServiceProcess, type ServiceName } from "./service-process.ts";
import { TestCluster } from "./test-cluster.ts";

export type Env = Readonly<Record<string, string>>;

export type BrokerOptions = {
  /** Default 1; 3 make a cluster that keeps three copies of everything. */
  readonly nodes?: number;
  /** See `BrokerNode`. */
  readonly diskMb?: number | undefined;
};

export class Millrace {
  readonly dir: string;
  readonly secretKey = `tr_dev_${randomBytes(12).toString("hex")}`;
  readonly services = new Set<ServiceProcess>();
  #cluster: TestCluster | undefined;
  #gatewayPort = 0;
  readonly #connections: NatsConnection[] = [];

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** Starts the broker, or a cluster of them, and nothing else. */
  static async broker(options: BrokerOptions = {}): Promise<Millrace> {
    const millrace = new Millrace(mkdtempSync(join(tmpdir(), "millrace-test-")));
    millrace.#cluster = await TestCluster.start(millrace.dir, options.nodes ?? 1, options.diskMb);
    return millrace;
  }

  /**
   * Broker, one coordinator, scheduler and gateway, ready; agents are started by the caller.
   * @throws when one of them does not become ready; the others are stopped then
   */
  static async start(): Promise<Millrace> {
    const millrace = await Millrace.broker();
    try {
      const coordinator = await millrace.service("coordinator");
      await coordinator.ready();
      await millrace.authorize();
      const others = [await millrace.service("scheduler"), await millrace.gateway()];
      await Promise.all(others.map((service) => service.ready()));
      return millrace;
    } catch (error) {
      await millrace.stop();
      throw error;
    }
  }

  get natsUrl(): string {
    return this.cluster.url;
  }

  /** The broker: one node, or several. */
  get cluster(): TestCluster {
    if (!this.#cluster) throw new Error("the broker has not been started");
    return this.#cluster;
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${this.#gatewayPort}`;
  }

  get brokerPid(): number {
    return this.cluster.node(0).pid;
  }

  /** Starts the broker again, on the store and port it had before. */
  async startBroker(): Promise<void> {
    await this.cluster.node(0).start();
  }

  async killBroker(): Promise<void> {
    await this.cluster.node(0).crash();
  }

  /** Starts a service; it is stopped with the rest. */
  async service(name: ServiceName, env: Env = {}): Promise<ServiceProcess> {
    const service = await ServiceProcess.start(
      name,
      {
        MILLRACE_NATS_URL: this.natsUrl,
        ...(name === "coordinator" ? { MILLRACE_REPLICAS: String(this.cluster.nodes.length) } : {}),
        ...env,
      },
      join(this.dir, "logs"),
    );
    this.services.add(service);
    return service;
  }

  /** On the port it had before. */
  async gateway(): Promise<ServiceProcess> {
    this.#gatewayPort ||= await freePort();
    return await this.service("gateway", { MILLRACE_GATEWAY_PORT: String(this.#gatewayPort) });
  }

  /** Starts an agent and waits until it serves its tasks. */
  async agent(tasksDir: string, env: Env = {}): Promise<ServiceProcess> {
    const agent = await this.service("worker-agent", { MILLRACE_TASKS_DIR: tasksDir, ...env });
    await agent.ready();
    return agent;
  }

  /** Makes a key valid in an environment. */
  async authorize(secretKey = this.secretKey, env = "dev"): Promise<void> {
    const nc = await this.connect();
    const box = await SecretBox.open(nc);
    await registerKey(nc, box, secretKey, { env, createdAt: Date.now() });
  }

  /** A connection that is closed with the rest. */
  async connect(): Promise<NatsConnection> {
    const nc = await connectBroker({ url: this.natsUrl, name: "test" });
    this.#connections.push(nc);
    return nc;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#connections.map((nc) => nc.close()));
    const agents = [...this.services].filter((service) => service.name === "worker-agent");
    const others = [...this.services].filter((service) => service.name !== "worker-agent");
    await Promise.all(agents.map((service) => service.stop()));
    await Promise.all(others.map((service) => service.stop()));
    await this.#cluster?.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
