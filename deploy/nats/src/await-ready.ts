import { setTimeout as sleep } from "node:timers/promises";
import type { BrokerAuth } from "./broker-config.ts";
import { type ServerInfo, shakeHands } from "./handshake.ts";
import { readClientPort } from "./ports-file.ts";
import type { ServerProcess } from "./server-process.ts";

/** A large store, above all after a crash, is read before the server takes clients. */
const START_TIMEOUT_MS = 120_000;
const POLL_INTERVAL_MS = 20;

type Ready = { readonly port: number; readonly info: ServerInfo };

/** Resolves when this very process takes clients; rejects, saying why, once it is clear that it will not. */
export async function untilReady(
  server: ServerProcess,
  portsDir: string,
  host: string,
  auth: BrokerAuth | undefined,
): Promise<Ready> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  let lastReason = "it opened no port";
  while (Date.now() < deadline) {
    if (server.hasExited()) {
      const { code, signal } = await server.exited;
      throw new Error(signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`);
    }
    const port = await readClientPort(portsDir, server.pid);
    if (port !== undefined) {
      const handshake = await shakeHands(host, port, auth);
      if (handshake.status === "accepted") {
        if (!handshake.info.jetstream) throw new Error("it runs without JetStream");
        return { port, info: handshake.info };
      }
      if (handshake.status === "rejected")
        throw new Error(`it refuses clients: ${handshake.reason}`);
      lastReason = handshake.reason;
    }
    await sleep(POLL_INTERVAL_MS);
  }
  throw new Error(`it took no client in ${START_TIMEOUT_MS / 1000} s: ${lastReason}`);
}
