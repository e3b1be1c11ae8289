/** One connection to the broker, kept open for ever: it reconnects by itself until it is closed. */
import { connect, credsAuthenticator, type NatsConnection } from "@nats-io/transport-node";
import { readFile } from "node:fs/promises";
import { BrokerUnavailableError } from "./errors.ts";

export type { NatsConnection } from "@nats-io/transport-node";

export type BrokerAddress = {
  /** `nats://host:port`; several separated by commas name the nodes of a cluster. */
  readonly url: string;
  /** Shown in the broker's connection list. */
  readonly name: string;
  /** A `.creds` file. */
  readonly credentialsFile?: string;
  /** How long the first connection may take; default 10 s. */
  readonly timeoutMs?: number;
};

/** @throws BrokerUnavailableError when no node answers within `timeoutMs` */
export async function connectBroker(address: BrokerAddress): Promise<NatsConnection> {
  const deadline = Date.now() + (address.timeoutMs ?? 10_000);
  const authenticator = address.credentialsFile
    ? { authenticator: credsAuthenticator(await readFile(address.credentialsFile)) }
    : {};
  for (;;) {
    try {
      return await connect({
        servers: address.url.split(",").map((server) => server.trim()),
        name: address.name,
        ...authenticator,
        // Stack traces of every pending request cost more than the requests.
        noAsyncTraces: true,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 200,
        reconnectJitter: 100,
        pingInterval: 10_000,
        maxPingOut: 2,
        timeout: 5000,
      });
    } catch (error) {
      if (Date.now() > deadline)
        throw new BrokerUnavailableError(
          `No broker answers at ${address.url}: ${error instanceof Error ? error.message : String(error)}. Start nats-server there, or set MILLRACE_NATS_URL`,
          { cause: error },
        );
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

const reconnectListeners = new WeakMap<NatsConnection, Set<() => void>>();

/** Calls `listener` after each reconnection, until the returned function is called or the connection is closed. */
export function onReconnect(nc: NatsConnection, listener: () => void): () => void {
  let listeners = reconnectListeners.get(nc);
  if (!listeners) {
    const all = new Set<() => void>();
    listeners = all;
    reconnectListeners.set(nc, all);
    void (async () => {
      for await (const status of nc.status())
        if (status.type === "reconnect") for (const each of all) each();
    })();
  }
  const all = listeners;
  all.add(listener);
  return () => all.delete(listener);
}
