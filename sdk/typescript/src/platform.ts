/** The way to the platform: a run's own host inside a run, elsewhere one transport, made at its first use. */
import { connectionOf, type Configuration } from "./config.ts";
import { currentRun, type Transport } from "./host.ts";

export type Platform = Omit<Transport, "close">;

let configured: Configuration = {};
let transport: Promise<Transport> | undefined;

/** Sets how to reach the platform, in place of what was configured before. The next call uses it. */
export function configure(configuration: Configuration): void {
  configured = configuration;
  void shutdown();
}

/** @throws ConfigurationError, ApiError when the broker cannot be reached */
export async function platform(): Promise<Platform> {
  const run = currentRun();
  if (run) return run.host;
  return await (transport ?? open());
}

/** What could not be opened is not kept: the next call tries again. */
function open(): Promise<Transport> {
  const opening = openTransport(configured);
  transport = opening;
  opening.catch(() => {
    if (transport === opening) transport = undefined;
  });
  return opening;
}

/**
 * Ends connections and subscriptions, so that the process can exit: over NATS the connection keeps it alive
 * otherwise. A later call connects again.
 */
export async function shutdown(): Promise<void> {
  const closing = transport;
  transport = undefined;
  const opened = await closing?.catch(() => undefined);
  await opened?.close();
}

/** Imported only when chosen: who speaks HTTP does not load the broker's client, and the other way round. */
async function openTransport(configuration: Configuration): Promise<Transport> {
  const connection = connectionOf(configuration);
  if (connection.kind === "http") {
    const { HttpTransport } = await import("./http/http-transport.ts");
    return new HttpTransport(connection);
  }
  const { NatsTransport } = await import("./nats-transport.ts");
  return await NatsTransport.connect(connection);
}
