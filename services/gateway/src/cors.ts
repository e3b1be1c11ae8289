/**
 * Any page may call the gateway: what a request may do is decided by the key it carries, never by where it comes from,
 * and no cookie is ever read.
 */
import type { FastifyInstance } from "fastify";

const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";
/** Browsers ask again after this long. */
const MAX_AGE_SEC = "86400";

export function allowAllOrigins(app: FastifyInstance): void {
  app.addHook("onRequest", async ({ method, headers }, reply) => {
    reply.header("access-control-allow-origin", "*").header("access-control-expose-headers", "*");
    if (method !== "OPTIONS") return;
    // "*" would not cover Authorization: what is asked for is allowed by name.
    const asked = headers["access-control-request-headers"];
    await reply
      .headers({
        "access-control-allow-methods": METHODS,
        "access-control-allow-headers": asked ?? "*",
        "access-control-max-age": MAX_AGE_SEC,
        vary: "access-control-request-headers",
      })
      .code(204)
      .send();
  });
}
