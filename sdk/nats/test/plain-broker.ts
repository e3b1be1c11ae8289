/** A broker with the server's own limits instead of Millrace's: it cuts a connection for which it holds over 64 MB. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findNatsServer } from "@millrace/broker";

export class PlainBroker {
  readonly url: string;
  readonly #dir: string;
  readonly #process: ChildProcess;

  private constructor(url: string, dir: string, process: ChildProcess) {
    this.url = url;
    this.#dir = dir;
    this.#process = process;
  }

  /** It is up when a connection succeeds: connecting waits. */
  static async start(): Promise<PlainBroker> {
    const dir = mkdtempSync(join(tmpdir(), "millrace-plain-"));
    const port = await freePort();
    const config = join(dir, "nats-server.conf");
    writeFileSync(config, `host: 127.0.0.1\nport: ${port}\njetstream { store_dir: "${dir}" }\n`);
    const { path } = await findNatsServer({ env: process.env });
    return new PlainBroker(
      `nats://127.0.0.1:${port}`,
      dir,
      spawn(path, ["-c", config], { stdio: "ignore" }),
    );
  }

  async stop(): Promise<void> {
    this.#process.kill("SIGKILL");
    await once(this.#process, "exit");
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
