/** The gateway's figures: requests, connections, and how far its list of runs is behind the log. */
import type { Metrics } from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";
import type { Projection } from "./projection/projection.ts";

/** Call it before routes are registered, and after WebSockets can be. */
export function measureGateway(app: FastifyInstance, metrics: Metrics, list: Projection): void {
  const duration = metrics.histogram(
    "millrace_http_request_duration_seconds",
    "From a request's arrival to the end of its answer; polls and streams last as long as they are held",
    ["method", "route", "status"],
  );
  app.addHook("onResponse", async (request, reply) => {
    // Its answer ends when the connection does.
    if (request.ws) return;
    const route = request.routeOptions.url ?? "none";
    const labels = { method: request.method, route, status: String(reply.statusCode) };
    duration.observe(labels, reply.elapsedTime / 1000);
  });
  metrics.gauge("millrace_ws_connections", "Open WebSocket connections", [], (set) =>
    set({}, app.websocketServer.clients.size),
  );
  metrics.gauge(
    "millrace_projection_lag_events",
    "Events of the log that are not in this gateway's list of runs yet",
    [],
    (set) => set({}, list.lag),
  );
  metrics.gauge(
    "millrace_projection_lag_seconds",
    "How old the newest event in this gateway's list of runs is while there are newer ones in the log",
    [],
    (set) => set({}, list.lagMs(Date.now()) / 1000),
  );
}
