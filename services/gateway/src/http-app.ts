/** The HTTP server without its routes: how long requests may be, how bodies are read, how refusals look. */
import { LIMITS, refuse } from "@millrace/proto";
import type { Logger } from "@millrace/service-kit";
import { fastify, type FastifyInstance } from "fastify";
import { refuseRepeatedParameters } from "./body/query.ts";
import { readOn } from "./body/read-on.ts";
import { refuseUnreadable } from "./body/unreadable.ts";
import { allowAllOrigins } from "./cors.ts";
import { refusalOf, sendRefusal } from "./refusals.ts";
import { secureHeaders } from "./security/response-headers.ts";

/** How long a client may take to send a request. v4's clients write a stream for a quarter of an hour in one. */
const REQUEST_TIMEOUT_MS = 16 * 60_000;
/** Longer than any URL that Node takes: lengths are for the routes to judge. */
const MAX_PARAM_LENGTH = 16_384;
/** How long requests under way may take when the gateway is to stop. */
const CLOSE_PATIENCE_MS = 5000;

export function httpApp(log: Logger): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: LIMITS.bodyBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    clientErrorHandler: refuseUnreadable,
    frameworkErrors: (error, _request, reply) => {
      void sendRefusal(reply, refuse("BAD_REQUEST", error.message));
    },
  });
  app.setErrorHandler((error, request, reply) => {
    const refusal = refusalOf(error);
    // A client that went away in the middle of its request hears no answer, and is none of ours to worry about.
    if (refusal.code === "INTERNAL" && !request.socket.destroyed)
      log.error({ err: error, method: request.method, url: request.url }, "request failed");
    if (refusal.code === "PAYLOAD_TOO_LARGE") readOn(request, reply);
    return sendRefusal(reply, refusal);
  });
  app.setNotFoundHandler((_request, reply) =>
    sendRefusal(reply, refuse("ROUTE_NOT_FOUND", "Not found")),
  );
  refuseRepeatedParameters(app);
  // Clients differ in what they call their JSON, and some send none while saying so: routes read the text themselves.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => done(null, body));
  // Connections that were opened ahead and never used (browsers do that) do not count as idle: they are not waited for.
  app.addHook("preClose", async () => {
    setTimeout(() => app.server.closeAllConnections(), CLOSE_PATIENCE_MS).unref();
  });
  secureHeaders(app);
  allowAllOrigins(app);
  return app;
}
