/** `GET /api/v1/ws`: one `LiveClient` a WebSocket. */
import type { WebSocket } from "@fastify/websocket";
import { LIVE } from "@millrace/proto";
import type { Logger, NatsConnection, RunClient } from "@millrace/service-kit";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { branchOf, credentialOf, type Identity } from "../security/authenticate.ts";
import type { Security } from "../security/security.ts";
import { LiveClient } from "./live-client.ts";
import { LiveConnection } from "./live-connection.ts";
import type { RunsSource } from "./runs-subscription.ts";
import { SubscriptionAccess } from "./subscription-access.ts";

type Parts = {
  readonly nc: NatsConnection;
  readonly runs: RunClient;
  readonly source: RunsSource;
  readonly security: Security;
  readonly log: Logger;
};

/** Connections that have not said yet who they are. More are sent away: they cost nobody else the gateway. */
const MAX_STRANGERS = 1000;
const TRY_AGAIN_LATER = 1013;

export function liveRoute(app: FastifyInstance, { security, ...parts }: Parts): void {
  const lookups = { run: parts.runs.retrieve.bind(parts.runs) };
  const strangers = new Set<WebSocket>();
  const connect = (socket: WebSocket, { env, token }: Identity): LiveConnection => {
    strangers.delete(socket);
    const access = token ? new SubscriptionAccess(token, env, lookups) : undefined;
    return new LiveConnection({ socket, env, access, ...parts });
  };
  app.route({
    method: "GET",
    url: LIVE.path,
    config: { takesCredentialLater: true },
    handler: (_request, reply) => reply.callNotFound(),
    wsHandler: (socket, request) => {
      const client = new LiveClient(socket, {
        identify: (credential, branch) => security.identify(credential, branch),
        isWithinRate: (identity) => security.isWithinRate(identity),
        connect,
        log: parts.log,
      });
      const identity = identityOf(request);
      const credential = credentialOf(request) ?? "";
      const branch = branchOf(request);
      if (identity) return client.admit(identity, () => security.identify(credential, branch));
      if (strangers.size >= MAX_STRANGERS) return socket.close(TRY_AGAIN_LATER, "too many");
      strangers.add(socket);
      socket.on("close", () => strangers.delete(socket));
      client.expectCredential();
    },
  });
}

/** undefined: the handshake brought no credential. */
function identityOf({ env, keyHash, token }: FastifyRequest): Identity | undefined {
  if (token) return { ok: true, env, keyHash: undefined, token };
  return keyHash === undefined ? undefined : { ok: true, env, keyHash, token };
}
