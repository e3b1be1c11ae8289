/** One WebSocket to the gateway, by `ws` where it can be loaded (Node), else by the runtime's own. */
import { LIVE } from "@millrace/proto";
import type { WebSocket as NodeWebSocket } from "ws";
import type { HttpConnection } from "../config.ts";
import { gatewayHeaders } from "./http-client.ts";

/** `refused`: the handshake was answered with this status and body instead. */
export type SocketEnd =
  | { readonly kind: "lost" }
  | { readonly kind: "refused"; readonly status: number; readonly body: string };

export type SocketHandlers = {
  readonly onOpen: () => void;
  readonly onMessage: (text: string) => void;
  /** Once, also when the socket never opened; not after `close()`. */
  readonly onEnd: (end: SocketEnd) => void;
};

export type Socket = { send(text: string): void; close(): void };

const HANDSHAKE_TIMEOUT_MS = 10_000;
/** A connection that missed two pings of the gateway is dead. */
const SILENCE_MS = 2.5 * LIVE.pingMs;

export async function openSocket(
  connection: HttpConnection,
  handlers: SocketHandlers,
): Promise<Socket> {
  const url = `${connection.baseUrl.replace(/^http/, "ws")}${LIVE.path}`;
  const ws = await import("ws").catch(() => undefined);
  return ws
    ? openWithWs(ws.WebSocket, url, gatewayHeaders(connection), handlers)
    : openWithRuntime(url, connection.secretKey, handlers);
}

function openWithWs(
  WebSocket: typeof NodeWebSocket,
  url: string,
  headers: Readonly<Record<string, string>>,
  handlers: SocketHandlers,
): Socket {
  const socket = new WebSocket(url, [LIVE.protocol], {
    headers,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  });
  const end = onlyOnce(handlers);
  // A peer that vanished sends nothing, not even an end.
  const watchdog = setTimeout(() => socket.terminate(), SILENCE_MS);
  const lost = (): void => {
    clearTimeout(watchdog);
    end({ kind: "lost" });
  };
  socket.on("ping", () => watchdog.refresh());
  socket.on("open", handlers.onOpen);
  socket.on("message", (data) => handlers.onMessage((data as Buffer).toString()));
  socket.on("close", lost);
  socket.on("error", lost);
  socket.on("unexpected-response", (request, response) => {
    clearTimeout(watchdog);
    void textOf(response).then((body) => {
      end({ kind: "refused", status: response.statusCode ?? 0, body });
      request.destroy();
    });
  });
  return {
    send: (text) => socket.send(text),
    close: () => {
      end.silence();
      socket.close();
    },
  };
}

/** The standard interface, as far as it is used here; this SDK is compiled without a browser's types. */
type StandardSocket = {
  send(text: string): void;
  close(): void;
  addEventListener(type: "open" | "close" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
};

/** It can neither send headers nor tell why a handshake failed: the key travels as a subprotocol. */
function openWithRuntime(url: string, secretKey: string, handlers: SocketHandlers): Socket {
  const { WebSocket } = globalThis as {
    WebSocket?: new (url: string, protocols: readonly string[]) => StandardSocket;
  };
  if (!WebSocket) throw new Error("Subscribing needs WebSockets: install the package ws");
  const socket = new WebSocket(url, [LIVE.protocol, `${LIVE.keyProtocolPrefix}${secretKey}`]);
  const end = onlyOnce(handlers);
  socket.addEventListener("open", handlers.onOpen);
  socket.addEventListener("message", ({ data }) => handlers.onMessage(String(data)));
  socket.addEventListener("close", () => end({ kind: "lost" }));
  socket.addEventListener("error", () => end({ kind: "lost" }));
  return {
    send: (text) => socket.send(text),
    close: () => {
      end.silence();
      socket.close();
    },
  };
}

async function textOf(response: AsyncIterable<unknown>): Promise<string> {
  let text = "";
  try {
    for await (const chunk of response) text += String(chunk);
  } catch {
    // Cut off: what was read says enough.
  }
  return text;
}

function onlyOnce(handlers: SocketHandlers): ((end: SocketEnd) => void) & { silence(): void } {
  let over = false;
  const tell = (end: SocketEnd): void => {
    if (over) return;
    over = true;
    handlers.onEnd(end);
  };
  const silence = (): void => {
    over = true;
  };
  return Object.assign(tell, { silence });
}
