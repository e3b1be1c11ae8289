/**
 * A whole Millrace behind a broker with TLS that knows each process as a user of its own: configured by the command that
 * operators use.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findNatsServer } from "@millrace/broker";
import {
  accessSettingsOf,
  brokerAccess,
  connectBroker,
  registerKey,
  SecretBox,
  type NatsConnection,
} from "@millrace/nats";
import type { Env } from "./millrace.ts";
import { freePort, ServiceProcess, type ServiceName } from "./service-process.ts";

const ROOT = join(import.meta.dirname, "../../..");
const CERTS = join(ROOT, "sdk/nats/test/certs");
const run = promisify(execFile);

export class SecuredMillrace {
  readonly dir: string;
  readonly natsUrl: string;
  readonly apiUrl: string;
  readonly tlsCa = join(CERTS, "ca.pem");
  readonly services: ServiceProcess[] = [];
  readonly #server: ChildProcess;
  readonly #gatewayPort: number;

  private constructor(dir: string, port: number, gatewayPort: number, server: ChildProcess) {
    this.dir = dir;
    this.natsUrl = `tls://localhost:${port}`;
    this.apiUrl = `http://127.0.0.1:${gatewayPort}`;
    this.#gatewayPort = gatewayPort;
    this.#server = server;
  }

  /** Everything but agents, ready. */
  static async start(envs: readonly string[]): Promise<SecuredMillrace> {
    const dir = mkdtempSync(join(tmpdir(), "millrace-secured-"));
    const port = await freePort();
    await run(process.execPath, [
      join(ROOT, "sdk/cli/dist/broker-config/main.js"),
      "--env",
      envs.join(","),
      "--out",
      dir,
      "--store",
      join(dir, "store"),
      "--host",
      "127.0.0.1",
      "--port",
      String(port),
      "--tls-cert",
      join(CERTS, "localhost.pem"),
      "--tls-key",
      join(CERTS, "localhost.key"),
    ]);
    const { path } = await findNatsServer({ env: process.env });
    const log = openSync(join(dir, "broker.log"), "a");
    const server = spawn(path, ["-c", join(dir, "nats.conf")], { stdio: ["ignore", log, log] });
    const millrace = new SecuredMillrace(dir, port, await freePort(), server);
    try {
      await millrace.service("coordinator", "coordinator");
      await Promise.all([
        millrace.service("scheduler", "scheduler"),
        millrace.service("gateway", "gateway", {
          MILLRACE_GATEWAY_PORT: String(millrace.#gatewayPort),
        }),
      ]);
      return millrace;
    } catch (error) {
      await millrace.stop();
      throw error;
    }
  }

  /** The file of a user's secret. */
  secret(user: string): string {
    return join(this.dir, "secrets", `${user}.nkey`);
  }

  access(user: string): Env {
    return {
      MILLRACE_NATS_URL: this.natsUrl,
      MILLRACE_NATS_NKEY_FILE: this.secret(user),
      MILLRACE_NATS_TLS_CA: this.tlsCa,
    };
  }

  /** Starts a service as this user, and waits until it is ready. */
  async service(name: ServiceName, user: string, env: Env = {}): Promise<ServiceProcess> {
    const logs = join(this.dir, "logs");
    const service = await ServiceProcess.start(name, { ...this.access(user), ...env }, logs);
    this.services.push(service);
    await service.ready();
    return service;
  }

  async connect(user: string): Promise<NatsConnection> {
    const access = brokerAccess(accessSettingsOf(this.access(user)));
    return await connectBroker({ url: this.natsUrl, name: user, access });
  }

  /** Makes a key valid, as the command line does. */
  async authorize(secretKey: string, env: string): Promise<void> {
    const nc = await this.connect("admin");
    await registerKey(nc, await SecretBox.open(nc), secretKey, { env, createdAt: Date.now() });
    await nc.close();
  }

  /** What the broker has refused anybody. */
  violations(): string[] {
    const log = readFileSync(join(this.dir, "broker.log"), "utf8");
    return log.split("\n").filter((line) => /violation|\[ERR\]|authentication error/i.test(line));
  }

  async stop(): Promise<void> {
    const agents = this.services.filter(({ name }) => name === "worker-agent");
    const others = this.services.filter(({ name }) => name !== "worker-agent");
    await Promise.all(agents.map((service) => service.stop()));
    await Promise.all(others.map((service) => service.stop()));
    const ended = new Promise((resolve) => this.#server.once("exit", resolve));
    this.#server.kill("SIGTERM");
    await ended;
    rmSync(this.dir, { recursive: true, force: true });
  }
}
