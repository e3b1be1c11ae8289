/** One WebSocket to the gateway, with the token as its first message. */
import { LIVE, type LiveAuth, type LiveMessage, type LiveRequest } from "@millrace/proto";

/** Of a handshake that failed there is only `code` 1006: browsers do not tell more. */
export type SocketEnd = { readonly code: number; readonly reason: string };

export type SocketHandlers = {
  readonly onOpen: () => void;
  readonly onMessage: (message: LiveMessage) => void;
  /** Once; not after `close()`. */
  readonly onEnd: (end: SocketEnd) => void;
};

export type Socket = { send(request: LiveRequest): void; close(): void };

/** @throws Error when there are no WebSockets, or the address is none */
export function openSocket(baseURL: string, token: string, handlers: SocketHandlers): Socket {
  if (typeof WebSocket === "undefined") throw new Error("There are no WebSockets here");
  const socket = new WebSocket(`${baseURL.replace(/^http/, "ws")}${LIVE.path}`, [LIVE.protocol]);
  let isOver = false;
  const send = (request: LiveRequest | LiveAuth): void => socket.send(JSON.stringify(request));
  const end = (end: SocketEnd): void => {
    if (isOver) return;
    isOver = true;
    handlers.onEnd(end);
  };
  socket.addEventListener("open", () => {
    if (isOver) return;
    send({ type: "auth", token });
    handlers.onOpen();
  });
  socket.addEventListener("message", ({ data }) => {
    const message = isOver ? undefined : messageIn(data);
    if (message) handlers.onMessage(message);
  });
  socket.addEventListener("close", ({ code, reason }) => end({ code, reason }));
  return {
    send: (request) => {
      if (socket.readyState === WebSocket.OPEN) send(request);
    },
    close: () => {
      isOver = true;
      socket.close();
    },
  };
}

function messageIn(data: unknown): LiveMessage | undefined {
  try {
    return JSON.parse(String(data)) as LiveMessage;
  } catch {
    return undefined;
  }
}
