/** One service as a real process: started, watched through its health endpoint, stopped or killed by its id. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, openSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";

export type ServiceName = "coordinator" | "scheduler" | "gateway" | "worker-agent";

const ROOT = join(import.meta.dirname, "../../..");

export class ServiceProcess {
  readonly name: ServiceName;
  readonly logFile: string;
  readonly #child: ChildProcess;
  readonly #healthPort: number;
  readonly exited: Promise<number | null>;

  private constructor(name: ServiceName, child: ChildProcess, healthPort: number, logFile: string) {
    this.name = name;
    this.#child = child;
    this.#healthPort = healthPort;
    this.logFile = logFile;
    this.exited = new Promise((resolve) => {
      child.once("exit", (code) => resolve(code));
    });
  }

  /** Starts the built service; does not wait until it is ready. */
  static async start(
    name: ServiceName,
    env: Readonly<Record<string, string>>,
    logDir: string,
  ): Promise<ServiceProcess> {
    const healthPort = await freePort();
    mkdirSync(logDir, { recursive: true });
    const logFile = join(logDir, `${name}-${healthPort}.log`);
    const out = openSync(logFile, "a");
    const child = spawn(process.execPath, [join(ROOT, `services/${name}/dist/main.js`)], {
      env: {
        PATH: process.env["PATH"],
        HOME: process.env["HOME"],
        ...env,
        MILLRACE_HEALTH_PORT: String(healthPort),
      },
      stdio: ["ignore", out, out],
    });
    return new ServiceProcess(name, child, healthPort, logFile);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  log(): string {
    return readFileSync(this.logFile, "utf8");
  }

  /** @throws when the service ends or is not ready in time, with the end of its log */
  async ready(timeoutMs = 60_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (Date.now() < deadline && this.running) {
      const answer = await fetch(`http://127.0.0.1:${this.#healthPort}/readyz`).catch(
        () => undefined,
      );
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(
      `${this.name} ${this.running ? "is not ready" : "ended"}:\n${this.log().slice(-3000)}`,
    );
  }

  /** Its figures, in Prometheus' text format. */
  async metrics(): Promise<string> {
    return await (await fetch(`http://127.0.0.1:${this.#healthPort}/metrics`)).text();
  }

  async stop(): Promise<void> {
    if (this.running) this.#child.kill("SIGTERM");
    await this.exited;
  }

  async kill(): Promise<void> {
    if (this.running) this.#child.kill("SIGKILL");
    await this.exited;
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
