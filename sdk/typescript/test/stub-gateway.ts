/** A server that answers as it is told: what the SDK meets when things go wrong. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";

export type Request = {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
};

export type StubGateway = {
  readonly url: string;
  readonly requests: readonly Request[];
  /** Ends every WebSocket without a word, as a killed gateway does. */
  dropSockets(): void;
  stop(): Promise<void>;
};

export type Answer = (response: ServerResponse, request: Request, nth: number) => void;

export async function startStub(
  answer: Answer,
  onSocket: (socket: WebSocket, nth: number) => void = () => undefined,
  port = 0,
): Promise<StubGateway> {
  const requests: Request[] = [];
  const server = createServer((incoming, response) => {
    let body = "";
    incoming.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    incoming.on("end", () => {
      const { method, url, headers } = incoming;
      const request = { method, url, headers, body };
      requests.push(request);
      answer(response, request, requests.length);
    });
  });
  let sockets = 0;
  const websockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (incoming, socket, head) => {
    websockets.handleUpgrade(incoming, socket, head, (websocket) => onSocket(websocket, ++sockets));
  });
  await new Promise<void>((resolve) => {
    server.listen(port, "127.0.0.1", resolve);
  });
  const dropSockets = (): void => {
    for (const client of websockets.clients) client.terminate();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    dropSockets,
    stop: async () => {
      dropSockets();
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}
