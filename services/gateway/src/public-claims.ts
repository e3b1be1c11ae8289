/** What v4's clients make a handle's public token of: they sign these claims with the key they have. */
import type { FastifyReply } from "fastify";

export function withPublicClaims(reply: FastifyReply, env: string): FastifyReply {
  return reply.header("x-trigger-jwt-claims", JSON.stringify({ sub: env, pub: true }));
}
