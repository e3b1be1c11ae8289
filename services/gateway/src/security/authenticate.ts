/** Nobody gets past here without a credential: a secret key, or a public token. From here on a request has an environment. */
import { LIVE, refuse } from "@millrace/proto";
import { hashOfKey } from "@millrace/service-kit";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { sendRefusal } from "../refusals.ts";
import type { ApiKeys } from "./api-keys.ts";
import { looksLikeToken, type PublicToken, type PublicTokens } from "./public-tokens.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** What the request's credential opens. */
    env: string;
    /** Of the secret key the request came with; undefined: it came with a public token. */
    keyHash: string | undefined;
    /** The public token the request came with; null: it came with a secret key. */
    token: PublicToken | null;
  }
}

export type Credentials = { readonly keys: ApiKeys; readonly tokens: PublicTokens };

export function authenticate(app: FastifyInstance, { keys, tokens }: Credentials): void {
  app.decorateRequest("env", "");
  app.decorateRequest("keyHash");
  app.decorateRequest("token", null);
  app.addHook("onRequest", async (request, reply) => {
    const credential = credentialOf(request) ?? "";
    if (looksLikeToken(credential)) {
      const verified = await tokens.verify(credential);
      if (!verified) return sendRefusal(reply, BAD_TOKEN);
      request.env = verified.env;
      request.token = verified.token;
      return;
    }
    const keyHash = hashOfKey(credential);
    const env = await keys.envOf(keyHash);
    if (env === undefined) return sendRefusal(reply, BAD_KEY);
    request.env = env;
    request.keyHash = keyHash;
  });
}

const BAD_KEY = refuse("UNAUTHENTICATED", "Invalid or Missing API key");
const BAD_TOKEN = refuse("UNAUTHENTICATED", "Public Access Token is invalid or has expired");

/** Browsers cannot send headers with a WebSocket's handshake: there the credential comes as a subprotocol. */
export function credentialOf({ headers }: FastifyRequest): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1];
  if (bearer !== undefined) return bearer;
  return headers["sec-websocket-protocol"]
    ?.split(",")
    .map((protocol) => protocol.trim())
    .find((protocol) => protocol.startsWith(LIVE.keyProtocolPrefix))
    ?.slice(LIVE.keyProtocolPrefix.length);
}
