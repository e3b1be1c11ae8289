/** `GET /api/v1/ws`: one `LiveConnection` a WebSocket. */
import { LIVE } from "@millrace/proto";
import type { Logger, RunClient } from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";
import { LiveConnection } from "./live-connection.ts";
import type { RunsSource } from "./runs-subscription.ts";

export function liveRoute(
  app: FastifyInstance,
  runs: RunClient,
  source: RunsSource,
  log: Logger,
): void {
  app.route({
    method: "GET",
    url: LIVE.path,
    handler: (_request, reply) => reply.callNotFound(),
    wsHandler: (socket, { env }) => {
      const connection = new LiveConnection({ socket, env, runs, source, log });
      let answered = true;
      const pinging = setInterval(() => {
        if (!answered) return socket.terminate();
        answered = false;
        socket.ping();
      }, LIVE.pingMs);
      socket.on("pong", () => {
        answered = true;
      });
      socket.on("message", (data) => connection.receive((data as Buffer).toString()));
      socket.on("close", () => {
        clearInterval(pinging);
        connection.close();
      });
    },
  });
}
