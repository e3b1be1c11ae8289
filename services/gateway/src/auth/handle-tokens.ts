/**
 * The token that comes with what was made: whoever has it follows the run or the batch, or completes the waitpoint.
 *
 * v4's clients that have the secret key sign it themselves, of the claims they are told, with the life their user asks
 * for; a ready one would win over that. Everybody else is given a ready one: a browser has no key to sign with.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { PublicTokens } from "../security/public-tokens.ts";

const LIFETIMES_SEC = { run: 3600, batch: 3600, waitpoint: 24 * 3600 } as const;
const SCOPES = { run: "read:runs:", batch: "read:batch:", waitpoint: "write:waitpoints:" } as const;

declare module "fastify" {
  interface FastifyInstance {
    publicTokens: PublicTokens;
  }
}

export function provideHandleTokens(app: FastifyInstance, tokens: PublicTokens): void {
  app.decorate("publicTokens", tokens);
}

/** Adds it to the answer's headers. */
export function withHandleToken(
  request: FastifyRequest,
  reply: FastifyReply,
  kind: keyof typeof SCOPES,
  id: string,
): void {
  const { env, token, headers, server } = request;
  if (!token) {
    void reply.header("x-trigger-jwt-claims", JSON.stringify({ sub: env, pub: true }));
    if (headers["trigger-version"] !== undefined) return;
  }
  const scopes = [`${SCOPES[kind]}${id}`];
  const lifetimeSec = LIFETIMES_SEC[kind];
  const signed = server.publicTokens.signAtOnce(env, { scopes }, lifetimeSec, Date.now());
  if (signed !== undefined) void reply.header("x-trigger-jwt", signed);
}
