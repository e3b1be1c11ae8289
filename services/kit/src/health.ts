/** `/healthz`: the process lives. `/readyz`: it does its work; 503 with the reason while it does not. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

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
  ): Promise<HealthServer> {
    const server = createServer((request, response) => {
      const state: Readiness =
        request.url === "/healthz"
          ? { ready: true }
          : request.url === "/readyz"
            ? readiness()
            : { ready: false, reason: "not found" };
      response.statusCode = state.ready ? 200 : request.url === "/readyz" ? 503 : 404;
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(state.ready ? { status: "ok" } : { error: state.reason }));
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
