/** The gateway as a Fastify application: who may come in, which routes there are, how refusals look. */
import fastifyWebsocket from "@fastify/websocket";
import { LIMITS, refuse } from "@millrace/proto";
import {
  Catalog,
  RunClient,
  type Logger,
  type NatsConnection,
  type Publisher,
} from "@millrace/service-kit";
import { fastify, type FastifyInstance } from "fastify";
import { ApiKeys } from "./api-keys.ts";
import { authenticate } from "./authenticate.ts";
import { liveRoute } from "./live/live-route.ts";
import { websocketOptions } from "./live/websocket-options.ts";
import { refusalOf, sendRefusal } from "./refusals.ts";
import { runLogRoute } from "./runs/run-log-route.ts";
import { runRoutes } from "./runs/run-routes.ts";
import { triggerRoute } from "./trigger/trigger-route.ts";

export type GatewayParts = {
  readonly nc: NatsConnection;
  readonly publisher: Publisher;
  readonly log: Logger;
};

/** How long a client may take to send a request: 3 MB over a slow line, but not for ever. */
const REQUEST_TIMEOUT_MS = 60_000;
/** Longer than any URL that Node takes: lengths are for the routes to judge. */
const MAX_PARAM_LENGTH = 16_384;

/** Resolves when keys, tasks and queues are known. Closing it ends what it follows, not the connection. */
export async function createGateway({
  nc,
  publisher,
  log,
}: GatewayParts): Promise<FastifyInstance> {
  const keys = await ApiKeys.open(nc);
  const catalog = await Catalog.open(nc);
  const runs = new RunClient(nc, publisher, catalog);

  const app = fastify({
    logger: false,
    bodyLimit: LIMITS.bodyBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: (error, _request, reply) => {
      void sendRefusal(reply, refuse("BAD_REQUEST", error.message));
    },
  });
  app.setErrorHandler((error, request, reply) => {
    const refusal = refusalOf(error);
    if (refusal.code === "INTERNAL")
      log.error({ err: error, method: request.method, url: request.url }, "request failed");
    return sendRefusal(reply, refusal);
  });
  app.setNotFoundHandler((_request, reply) =>
    sendRefusal(reply, refuse("ROUTE_NOT_FOUND", "Not found")),
  );
  // Clients differ in what they call their JSON, and some send none while saying so: routes read the text themselves.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => done(null, body));
  app.addHook("onClose", async () => {
    await Promise.all([keys.close(), catalog.close()]);
  });

  await app.register(fastifyWebsocket, websocketOptions(log));
  await app.register(async (api) => {
    authenticate(api, keys);
    triggerRoute(api, runs);
    runRoutes(api, runs);
    runLogRoute(api, runs);
    liveRoute(api, runs, log);
  });
  return app;
}
