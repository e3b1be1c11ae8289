/**
 * Nobody gets past here without a credential: a secret key, or a public token. From here on a request has an environment.
 * Only a route that says so lets a WebSocket's handshake through without one, and asks for it by itself.
 */
import { LIVE, refuse, type Refusal } from "@millrace/proto";
import { hashOfKey } from "@millrace/service-kit";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { sendRefusal } from "../refusals.ts";
import type { ApiKeys } from "./api-keys.ts";
import { BRANCH_HEADER, openedEnvironment } from "./preview-branches.ts";
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
  interface FastifyContextConfig {
    /** A WebSocket may bring its credential in its first message: until then it is nobody's. */
    takesCredentialLater?: boolean;
  }
}

/** What a credential stands for. */
export type Identity =
  | { readonly ok: true; readonly env: string; readonly keyHash: string; readonly token: null }
  | {
      readonly ok: true;
      readonly env: string;
      readonly keyHash: undefined;
      readonly token: PublicToken;
    };

export type Credentials = { readonly keys: ApiKeys; readonly tokens: PublicTokens };

/** Whose this key or token is. @param branch what a preview key is to open */
export async function identify(
  { keys, tokens }: Credentials,
  credential: string,
  branch?: string,
): Promise<Identity | Refusal> {
  if (looksLikeToken(credential)) {
    const verified = await tokens.verify(credential);
    return verified ? { ok: true, keyHash: undefined, ...verified } : BAD_TOKEN;
  }
  const keyHash = hashOfKey(credential);
  const env = await keys.envOf(keyHash);
  if (env === undefined) return BAD_KEY;
  const opened = openedEnvironment(env, branch);
  return opened.ok ? { ok: true, env: opened.env, keyHash, token: null } : opened;
}

export function authenticate(app: FastifyInstance, credentials: Credentials): void {
  app.decorateRequest("env", "");
  app.decorateRequest("keyHash");
  app.decorateRequest("token", null);
  app.addHook("onRequest", async (request, reply) => {
    const credential = credentialOf(request);
    const isLater = request.ws && request.routeOptions.config.takesCredentialLater === true;
    if (credential === undefined && isLater) return;
    const identity = await identify(credentials, credential ?? "", branchOf(request));
    if (!identity.ok) return sendRefusal(reply, identity);
    request.env = identity.env;
    request.keyHash = identity.keyHash;
    request.token = identity.token;
  });
}

/** What a preview key is to open. */
export function branchOf({ headers }: FastifyRequest): string | undefined {
  const branch = headers[BRANCH_HEADER];
  return typeof branch === "string" ? branch : undefined;
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
