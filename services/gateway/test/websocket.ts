/** A WebSocket client that keeps what it was told. */
import { LIVE, type LiveMessage } from "@millrace/proto";
import { WebSocket, type ClientOptions } from "ws";
import { authorization, KEY, type TestGateway } from "./harness.ts";

export type LiveClient = {
  readonly socket: WebSocket;
  readonly messages: readonly LiveMessage[];
  send(message: unknown): void;
  /** Resolves when `isThere` holds of the messages so far. */
  until(isThere: (messages: readonly LiveMessage[]) => boolean): Promise<void>;
  close(): void;
};

export async function connectLive(
  gateway: TestGateway,
  protocols: readonly string[] = [],
  options: ClientOptions = { headers: authorization(KEY) },
): Promise<LiveClient> {
  const url = `${gateway.url.replace("http", "ws")}${LIVE.path}`;
  const socket = new WebSocket(url, [...protocols], options);
  const messages: LiveMessage[] = [];
  const watchers = new Set<() => void>();
  socket.on("message", (data) => {
    messages.push(JSON.parse((data as Buffer).toString()) as LiveMessage);
    for (const watcher of watchers) watcher();
  });
  await new Promise((resolve, reject) => {
    socket.on("open", resolve);
    socket.on("error", reject);
  });
  return {
    socket,
    messages,
    send: (message) => socket.send(typeof message === "string" ? message : JSON.stringify(message)),
    until: (isThere) =>
      new Promise((resolve) => {
        const watcher = (): void => {
          if (!isThere(messages)) return;
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
        watcher();
      }),
    close: () => socket.close(),
  };
}

type Of<T extends LiveMessage["type"]> = Extract<LiveMessage, { type: T }>;

/** Those of one type, in their order. */
export function of<T extends LiveMessage["type"]>(
  messages: readonly LiveMessage[],
  type: T,
): readonly Of<T>[] {
  return messages.filter((message): message is Of<T> => message.type === type);
}
