/** `GET /api/v1/ws`: one `LiveConnection` a WebSocket. */
import { LIVE } from "@millrace/proto";
import type { Logger, NatsConnection, RunClient } from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";
import { LiveConnection } from "./live-connection.ts";
import type { RunsSource } from "./runs-subscription.ts";

type Parts = {
  readonly nc: NatsConnection;
  readonly runs: RunClient;
  readonly source: RunsSource;
  readonly log: Logger;
};

export function liveRoute(app: FastifyInstance, parts: Parts): void {
  app.route({
    method: "GET",
    url: LIVE.path,
    handler: (_request, reply) => reply.callNotFound(),
    wsHandler: (socket, { env }) => {
      const connection = new LiveConnection({ socket, env, ...parts });
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
