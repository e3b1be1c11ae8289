/** One connection to the broker, kept open for ever: it reconnects by itself until it is closed. */
import { isIP } from "node:net";
import {
  AuthorizationError,
  connect,
  createInbox,
  type NatsConnection,
  type NodeConnectionOptions,
} from "@nats-io/transport-node";
import type { BrokerAccess } from "./access.ts";
import { BrokerAccessError, BrokerUnavailableError } from "./errors.ts";

export type { NatsConnection } from "@nats-io/transport-node";

export type BrokerAddress = {
  /** `nats://host:port`, or `tls://…` to insist on TLS; several separated by commas name the nodes of a cluster. */
  readonly url: string;
  /** Shown in the broker's connection list. */
  readonly name: string;
  /** Credentials and certificates; default none. */
  readonly access?: BrokerAccess;
  /**
   * The one environment this connection is about. Where its user has an inbox of its own, only requests are made that the
   * broker can tell the environment of.
   */
  readonly env?: string;
  /** How long the first connection may take; default 10 s. */
  readonly timeoutMs?: number;
};

type Traits = { readonly inboxPrefix: string | undefined; readonly isConfined: boolean };

const traits = new WeakMap<NatsConnection, Traits>();

/**
 * @throws BrokerUnavailableError when no node answers within `timeoutMs`
 * @throws BrokerAccessError when one answers and either side does not trust the other; at once
 */
export async function connectBroker(address: BrokerAddress): Promise<NatsConnection> {
  const { timeoutMs = 10_000, access = {} } = address;
  const deadline = Date.now() + timeoutMs;
  const options = optionsOf(address, timeoutMs);
  for (;;) {
    try {
      const nc = await connect(options);
      const { inboxPrefix } = access;
      const isConfined = address.env !== undefined && inboxPrefix !== undefined;
      traits.set(nc, { inboxPrefix, isConfined });
      return nc;
    } catch (error) {
      const problem = accessProblem(error);
      if (problem !== undefined)
        throw new BrokerAccessError(`The broker at ${address.url}: ${problem}`, { cause: error });
      if (Date.now() > deadline) throw unavailable(address.url, options, error);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

function optionsOf(
  { url, name, access = {} }: BrokerAddress,
  timeoutMs: number,
): NodeConnectionOptions {
  const servers = url.split(",").map((server) => server.trim());
  const { authenticator, inboxPrefix, tls } = access;
  const wantsTls = tls !== undefined || servers.some((server) => server.startsWith("tls://"));
  if (wantsTls) for (const server of servers) checkHost(server);
  return {
    servers,
    name,
    ...(authenticator ? { authenticator } : {}),
    ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
    ...(wantsTls ? { tls: tls ?? {} } : {}),
    // Stack traces of every pending request cost more than the requests.
    noAsyncTraces: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    reconnectJitter: 100,
    pingInterval: 10_000,
    maxPingOut: 2,
    timeout: Math.min(5000, timeoutMs),
  };
}

function unavailable(
  url: string,
  { tls }: NodeConnectionOptions,
  error: unknown,
): BrokerUnavailableError {
  // With TLS 1.3 a broker that wants a certificate and gets none just ends the connection.
  const hint =
    tls && tls.cert === undefined
      ? ", or MILLRACE_NATS_TLS_CERT and MILLRACE_NATS_TLS_KEY if it asks for certificates"
      : "";
  const why = error instanceof Error ? error.message : String(error);
  return new BrokerUnavailableError(
    `No broker answers at ${url}: ${why}. Start nats-server there, or set MILLRACE_NATS_URL${hint}`,
    { cause: error },
  );
}

/** A new subject for answers to this connection alone. */
export function inboxOf(nc: NatsConnection): string {
  return createInbox(traits.get(nc)?.inboxPrefix);
}

/** Whether the broker may refuse this connection what it cannot tell the environment of. */
export function isConfined(nc: NatsConnection): boolean {
  return traits.get(nc)?.isConfined ?? false;
}

/** Of an address that is no name, the broker's client would check a certificate against the wrong one. */
function checkHost(server: string): void {
  const host = /^(?:[a-z]+:\/\/)?(\[[^\]]+\]|[^:/]+)/.exec(server)?.[1] ?? "";
  const address = host.replace(/^\[|\]$/g, "");
  if (isIP(address) === 0 || address.startsWith("127.") || address === "::1") return;
  throw new BrokerAccessError(
    `MILLRACE_NATS_URL: with TLS the broker is known by its name; give the name that is in its certificate, not ${address}`,
  );
}

/** What Node and the broker's client say of a handshake that cannot succeed; undefined: trying again may help. */
function accessProblem(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof AuthorizationError)
    return "it refuses these credentials. Check MILLRACE_NATS_NKEY, MILLRACE_NATS_USER and MILLRACE_NATS_PASSWORD, or MILLRACE_NATS_CREDENTIALS";
  if (error.message.includes("does not support 'tls'"))
    return "it speaks no TLS, and TLS is asked for (a tls:// address, or MILLRACE_NATS_TLS_…). Turn TLS on there, or use nats://";
  const { code } = error as { code?: unknown };
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return `its certificate is for another name: ${error.message}. Use a name that is in the certificate`;
  if (typeof code === "string" && UNTRUSTED.has(code))
    return `its certificate is not signed by an authority that is known here (${code}). Set MILLRACE_NATS_TLS_CA to the file of its authority`;
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID")
    return `its certificate is not valid now (${code})`;
  if (typeof code === "string" && /^ERR_SSL_.*(ALERT|CERTIFICATE)/.test(code))
    return `it does not accept this client's certificate (${code}). Set MILLRACE_NATS_TLS_CERT and MILLRACE_NATS_TLS_KEY`;
  return undefined;
}

const UNTRUSTED: ReadonlySet<string> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

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
