import { connect } from "node:net";
import type { BrokerAuth } from "./broker-config.ts";

/** What the server says of itself in the INFO line it greets every client with. */
export type ServerInfo = {
  readonly version: string;
  readonly jetstream: boolean;
  readonly isTlsRequired: boolean;
};

export type Handshake =
  | { readonly status: "accepted"; readonly info: ServerInfo }
  | { readonly status: "refused" | "silent" | "rejected"; readonly reason: string };

const HANDSHAKE_TIMEOUT_MS = 2_000;
const IS_NOBODY = /authorization violation/i;

/**
 * Connects as a client does: reads INFO, sends CONNECT and PING, waits for PONG. Only then is it certain
 * that the server takes clients. Where each client is a user of its own, being refused as nobody is as certain; behind TLS
 * the greeting has to do. `refused`: nobody listens. `silent`: somebody listens and says nothing
 * sensible in time. `rejected`: the server does not want this client.
 */
export function shakeHands(host: string, port: number, auth?: BrokerAuth): Promise<Handshake> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let received = "";
    let info: ServerInfo | undefined;
    const finish = (handshake: Handshake) => {
      socket.destroy();
      resolve(handshake);
    };
    socket.setEncoding("utf8");
    socket.setTimeout(HANDSHAKE_TIMEOUT_MS, () =>
      finish({ status: "silent", reason: `no answer in ${HANDSHAKE_TIMEOUT_MS} ms` }),
    );
    socket.on("error", (error) => finish({ status: "refused", reason: error.message }));
    socket.on("close", () => finish({ status: "silent", reason: "the connection was closed" }));
    socket.on("data", (chunk: string) => {
      received += chunk;
      if (info === undefined) {
        info = parseInfo(received);
        if (info?.isTlsRequired === true) return finish({ status: "accepted", info });
        if (info !== undefined) socket.write(`${connectLine(auth)}PING\r\n`);
      }
      const failure = /^-ERR (.*)\r$/m.exec(received)?.[1];
      if (failure !== undefined)
        finish(
          info !== undefined && auth !== undefined && "users" in auth && IS_NOBODY.test(failure)
            ? { status: "accepted", info }
            : { status: "rejected", reason: failure },
        );
      else if (info !== undefined && /^PONG\r$/m.test(received))
        finish({ status: "accepted", info });
    });
  });
}

function connectLine(auth: BrokerAuth | undefined): string {
  const credentials =
    auth === undefined || "users" in auth
      ? {}
      : "token" in auth
        ? { auth_token: auth.token }
        : { user: auth.user, pass: auth.password };
  const details = { verbose: false, pedantic: false, lang: "node", version: "0", ...credentials };
  return `CONNECT ${JSON.stringify(details)}\r\n`;
}

/** Undefined while the line is incomplete, and for a greeting that is not a NATS server's. */
function parseInfo(received: string): ServerInfo | undefined {
  const json = /^INFO (\{.*\}) ?\r$/m.exec(received)?.[1];
  if (json === undefined) return undefined;
  try {
    const info = JSON.parse(json) as Readonly<Record<string, unknown>>;
    return {
      version: String(info["version"]),
      jetstream: info["jetstream"] === true,
      isTlsRequired: info["tls_required"] === true,
    };
  } catch {
    return undefined;
  }
}
