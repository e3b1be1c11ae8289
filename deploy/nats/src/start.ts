import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { untilReady } from "./await-ready.ts";
import type { NatsServerBinary } from "./binary.ts";
import {
  type BrokerAuth,
  brokerConfig,
  type BrokerTls,
  type ClusterNode,
} from "./broker-config.ts";
import { DEFAULT_DURABILITY, type Durability } from "./durability.ts";
import { BrokerStartError } from "./errors.ts";
import { assertPortFree } from "./port-check.ts";
import { emptyPortsDir, findRunningServer } from "./ports-file.ts";
import { sizeOf, tailOf } from "./server-log.ts";
import { type Exit, spawnServer, stopServer } from "./server-process.ts";

export type StartOptions = {
  readonly binary: NatsServerBinary;
  /** Holds the server's data, its configuration and, unless told otherwise, its log. Made if absent. */
  readonly storeDir: string;
  /** Default, and 0: a free port. */
  readonly port?: number | undefined;
  /** The address to listen on. Default: 127.0.0.1. */
  readonly host?: string | undefined;
  /** When what it acknowledges is on the disk. Default: `fast`. */
  readonly durability?: Durability | undefined;
  /** Appended to. Default: `nats-server.log` in the store directory. */
  readonly logFile?: string | undefined;
  /** What clients must present. Default: nothing. */
  readonly auth?: BrokerAuth | undefined;
  /** Default: without. */
  readonly tls?: BrokerTls | undefined;
  /** The cluster this server is a node of. Default: none, it stands alone. */
  readonly cluster?: ClusterNode | undefined;
};

/** A server that this process started. It is ended by `stop` or `kill` alone, not by this process's end. */
export type RunningBroker = {
  /** For clients on this machine; without the credentials. */
  readonly url: string;
  readonly port: number;
  /** The server's own process. */
  readonly pid: number;
  readonly version: string;
  readonly exited: Promise<Exit>;
  /** Ends the server cleanly, or after ten seconds by force. Does nothing if it has ended already. */
  stop(): Promise<void>;
  /** Sends the server a signal and does not wait. Does nothing if it has ended already. */
  kill(signal: NodeJS.Signals): void;
};

const STOP_PATIENCE_MS = 10_000;

/**
 * Starts a server and resolves when it takes clients and has JetStream. If it does not come up, no
 * process is left behind.
 *
 * @throws BrokerStartError if the port is taken, the store is in use, or the server ends or stays silent;
 *   the message has the last lines of its log
 */
export async function startBroker(options: StartOptions): Promise<RunningBroker> {
  const { binary, port = 0, host = "127.0.0.1", auth, tls, cluster } = options;
  const storeDir = resolve(options.storeDir);
  const portsDir = join(storeDir, "ports");
  const configPath = join(storeDir, "nats-server.conf");
  const logFile = resolve(options.logFile ?? join(storeDir, "nats-server.log"));
  const clientHost = loopbackOf(host);

  await assertStoreUnused(storeDir, portsDir, clientHost);
  if (port !== 0) await assertPortFree(host, port);
  try {
    await mkdir(dirname(logFile), { recursive: true });
    await emptyPortsDir(portsDir);
    const syncAlways = (options.durability ?? DEFAULT_DURABILITY) === "strict";
    const listenPort = port === 0 ? -1 : port;
    const config = brokerConfig({
      host,
      port: listenPort,
      storeDir,
      portsDir,
      syncAlways,
      auth,
      tls,
      cluster,
    });
    // It may hold a password.
    await writeFile(configPath, config, { mode: 0o600 });
  } catch (error) {
    throw new BrokerStartError(
      `Cannot write to the store ${storeDir}: ${(error as Error).message}`,
    );
  }

  const logStart = await sizeOf(logFile);
  const server = await spawnServer(binary.path, configPath, logFile);
  try {
    const ready = await untilReady(server, portsDir, clientHost, auth);
    return {
      url: `${tls === undefined ? "nats" : "tls"}://${clientHost.includes(":") ? `[${clientHost}]` : clientHost}:${ready.port}`,
      port: ready.port,
      pid: server.pid,
      version: ready.info.version,
      exited: server.exited,
      stop: () => stopServer(server, STOP_PATIENCE_MS),
      kill: (signal) => server.kill(signal),
    };
  } catch (error) {
    await stopServer(server, STOP_PATIENCE_MS);
    const log = await tailOf(logFile, logStart);
    throw new BrokerStartError(
      `nats-server ${binary.version} did not start: ${(error as Error).message}\n` +
        (log === "" ? `It logged nothing to ${logFile}.` : `The end of ${logFile}:\n${log}`),
    );
  }
}

async function assertStoreUnused(storeDir: string, portsDir: string, host: string): Promise<void> {
  const other = await findRunningServer(portsDir, host);
  if (other === undefined) return;
  throw new BrokerStartError(
    `The store ${storeDir} is in use by a nats-server that runs already ` +
      `(process ${other.pid}, port ${other.port}). Stop it, or choose another directory.`,
  );
}

/** The address by which this machine reaches a server that listens on all of its addresses. */
function loopbackOf(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}
