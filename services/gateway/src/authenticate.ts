/** Nobody gets past here without an API key; from here on a request has an environment. */
import { LIVE, refuse } from "@millrace/proto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ApiKeys } from "./api-keys.ts";
import { sendRefusal } from "./refusals.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** What the request's key opens. */
    env: string;
  }
}

export function authenticate(app: FastifyInstance, keys: ApiKeys): void {
  app.decorateRequest("env", "");
  app.addHook("onRequest", async (request, reply) => {
    const key = keyOf(request);
    const env = key === undefined ? undefined : await keys.envOf(key);
    if (env === undefined)
      return sendRefusal(reply, refuse("UNAUTHENTICATED", "Invalid or Missing API key"));
    request.env = env;
  });
}

/** Browsers cannot send headers with a WebSocket's handshake: there the key comes as a subprotocol. */
function keyOf({ headers }: FastifyRequest): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1];
  if (bearer !== undefined) return bearer;
  return headers["sec-websocket-protocol"]
    ?.split(",")
    .map((protocol) => protocol.trim())
    .find((protocol) => protocol.startsWith(LIVE.keyProtocolPrefix))
    ?.slice(LIVE.keyProtocolPrefix.length);
}
