/** The streams of runs: what they write, and what is sent to them. */
import type { Logger, NatsConnection, Publisher, RunClient } from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";
import type { Calls } from "../calls.ts";
import { inputRoutes } from "./input-routes.ts";
import { streamReadRoute } from "./stream-read-route.ts";
import { StreamTargets } from "./stream-targets.ts";
import { streamWriteRoutes } from "./stream-write-routes.ts";
import { StreamWriter } from "./stream-writer.ts";

type Parts = {
  readonly nc: NatsConnection;
  readonly publisher: Publisher;
  readonly runs: RunClient;
  readonly calls: Calls;
  readonly log: Logger;
};

export function streamRoutes(
  app: FastifyInstance,
  { nc, publisher, runs, calls, log }: Parts,
): void {
  const writer = new StreamWriter(nc, publisher);
  streamWriteRoutes(app, { runs, calls, targets: new StreamTargets(runs), writer });
  streamReadRoute(app, { nc, runs, writer, log });
  inputRoutes(app, { nc, runs, writer, log });
}
