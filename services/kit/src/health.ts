/**
 * `/healthz`: the process lives. `/readyz`: it does its work; 503 with the reason while it does not. `/metrics`: its
 * figures, for Prometheus.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Metrics } from "./metrics.ts";

export type Readiness =
  | { readonly ready: true }
  | { readonly ready: false; readonly reason: string };

export class HealthServer {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param port 0 picks a free one */
  static async start(
    host: string,
    port: number,
    readiness: () => Readiness,
    metrics: Metrics,
  ): Promise<HealthServer> {
    const server = createServer((request, response) => {
      if (request.url === "/metrics") void sendMetrics(response, metrics);
      else sendState(request, response, readiness);
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, resolve);
    });
    return new HealthServer(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}

function sendState(
  request: IncomingMessage,
  response: ServerResponse,
  readiness: () => Readiness,
): void {
  const state: Readiness =
    request.url === "/healthz"
      ? { ready: true }
      : request.url === "/readyz"
        ? readiness()
        : { ready: false, reason: "not found" };
  response.statusCode = state.ready ? 200 : request.url === "/readyz" ? 503 : 404;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(state.ready ? { status: "ok" } : { error: state.reason }));
}

/** A figure that cannot be read is the scraper's to see, not a reason to end the process. */
async function sendMetrics(response: ServerResponse, metrics: Metrics): Promise<void> {
  try {
    const text = await metrics.text();
    response.setHeader("content-type", metrics.contentType);
    response.end(text);
  } catch (error) {
    response.statusCode = 500;
    response.setHeader("content-type", "text/plain");
    response.end(error instanceof Error ? error.message : String(error));
  }
}
