/**
 * A whole Millrace on one machine: a real broker with a temporary store, and real service processes. Everything it
 * starts it stops.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findNatsServer, startBroker, type RunningBroker } from "@millrace/broker";
import { connectBroker, registerKey, SecretBox, type NatsConnection } from "@millrace/nats";
import { freePort, ServiceProcess, type ServiceName } from "./service-process.ts";

export type Env = Readonly<Record<string, string>>;

export class Millrace {
  readonly dir: string;
  readonly secretKey = `tr_dev_${randomBytes(12).toString("hex")}`;
  readonly services = new Set<ServiceProcess>();
  #broker: RunningBroker | undefined;
  #brokerPort = 0;
  #gatewayPort = 0;
  readonly #connections: NatsConnection[] = [];

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** Starts the broker and nothing else. */
  static async broker(): Promise<Millrace> {
    const millrace = new Millrace(mkdtempSync(join(tmpdir(), "millrace-test-")));
    await millrace.startBroker();
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
    return `nats://127.0.0.1:${this.#brokerPort}`;
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${this.#gatewayPort}`;
  }

  get brokerPid(): number {
    return this.#broker?.pid ?? 0;
  }

  /** Starts the broker, on the store and port it had before. */
  async startBroker(): Promise<void> {
    this.#broker = await startBroker({
      binary: await findNatsServer({ env: process.env }),
      storeDir: join(this.dir, "nats"),
      ...(this.#brokerPort > 0 ? { port: this.#brokerPort } : {}),
    });
    this.#brokerPort = this.#broker.port;
  }

  async killBroker(): Promise<void> {
    this.#broker?.kill("SIGKILL");
    await this.#broker?.exited;
  }

  /** Starts a service; it is stopped with the rest. */
  async service(name: ServiceName, env: Env = {}): Promise<ServiceProcess> {
    const service = await ServiceProcess.start(
      name,
      { MILLRACE_NATS_URL: this.natsUrl, ...env },
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
    await this.#broker?.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
