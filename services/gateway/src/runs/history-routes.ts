/** What has become of a run so far: its log, what it recorded, and a new run from somewhere in between. */
import type { NatsConnection, RunClient } from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";
import type { Projection } from "../projection/projection.ts";
import { forkRoute } from "./fork-route.ts";
import { runLogRoute } from "./run-log-route.ts";
import { TelemetryLog } from "./telemetry-log.ts";
import { traceRoutes } from "./trace-routes.ts";

type Parts = {
  readonly nc: NatsConnection;
  readonly runs: RunClient;
  readonly projection: Projection;
};

export function historyRoutes(app: FastifyInstance, { nc, runs, projection }: Parts): void {
  runLogRoute(app, runs);
  forkRoute(app, runs);
  traceRoutes(app, {
    runs,
    telemetry: new TelemetryLog(nc),
    childrenOf: (env, runId) => projection.childrenOf(env, runId),
  });
}
