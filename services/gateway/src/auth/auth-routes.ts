/** `/api/v1/auth`: public tokens, for whoever has a secret key. */
import {
  createPublicTokenBodySchema,
  MAX_TOKEN_LIFETIME_MS,
  refuse,
  signTokenBodySchema,
  type Refusal,
} from "@millrace/proto";
import type { FastifyInstance } from "fastify";
import { readBody, readOptionalBody } from "../body/read-json.ts";
import { sendRefusal } from "../refusals.ts";
import { expiryOf, type PublicTokens, type SignedClaims } from "../security/public-tokens.ts";

const DEFAULT_LIFETIME = "15m";

export function authRoutes(app: FastifyInstance, tokens: PublicTokens): void {
  // Whoever has the key signs these with it.
  app.post("/api/v1/auth/jwt/claims", async ({ env }) => ({ sub: env, pub: true }));

  app.post("/api/v1/auth/jwt", async ({ env, body }, reply) => {
    const read = readOptionalBody(signTokenBodySchema, body);
    if (!read.ok) return sendRefusal(reply, read);
    const { claims = { scopes: [] }, expirationTime } = read.value;
    const signed = await signToken(tokens, env, claims, expirationTime);
    return signed.ok ? { token: signed.token } : sendRefusal(reply, signed);
  });

  app.post("/api/v1/auth/public-tokens", async ({ env, body }, reply) => {
    const read = readBody(createPublicTokenBodySchema, body);
    if (!read.ok) return sendRefusal(reply, read);
    const { scopes, expirationTime, oneTimeUse, realtime } = read.value;
    const claims = {
      scopes,
      ...(oneTimeUse === true ? { otu: true } : {}),
      ...(realtime === undefined ? {} : { realtime }),
    };
    const signed = await signToken(tokens, env, claims, expirationTime);
    return signed.ok ? { token: signed.token } : sendRefusal(reply, signed);
  });
}

async function signToken(
  tokens: PublicTokens,
  env: string,
  claims: SignedClaims,
  expires: string | number = DEFAULT_LIFETIME,
): Promise<{ readonly ok: true; readonly token: string } | Refusal> {
  const token = await tokens.sign(env, claims, expires).catch((error: unknown) => {
    if (error instanceof TypeError) return null;
    throw error;
  });
  if (token === undefined) return NOTHING_TO_SIGN_WITH;
  const lifetimeMs = token === null ? 0 : expiryOf(token) - Date.now();
  if (token === null || lifetimeMs <= 0 || lifetimeMs > MAX_TOKEN_LIFETIME_MS)
    return BAD_EXPIRATION;
  return { ok: true, token };
}

const BAD_EXPIRATION = refuse(
  "BAD_REQUEST",
  'expirationTime: expected a duration of at most 30 days, such as "15m" or "2 days", or a moment to come in seconds since the epoch',
);
const NOTHING_TO_SIGN_WITH = refuse(
  "INTERNAL",
  "The installation keeps no key of this environment that it could sign with: create one with its master key",
);
