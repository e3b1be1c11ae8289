/** Public access tokens: what is in them, and how they are asked for. v4's shapes. */
import { z } from "zod";
import { isScope } from "./scopes.ts";

export const TOKEN_ISSUER = "https://id.trigger.dev";
export const TOKEN_AUDIENCE = "https://api.trigger.dev";

/** The longest life a token may be made for here. Whoever has the key may sign others. */
export const MAX_TOKEN_LIFETIME_MS = 30 * 86_400_000;

const realtime = z.object({ skipColumns: z.array(z.string()).optional() });

/** `sub` is the environment, `otu`: for one use. Times are seconds, as JWT has them. */
export const tokenClaimsSchema = z.object({
  sub: z.string().min(1),
  pub: z.literal(true),
  scopes: z.array(z.string()).default([]),
  otu: z.boolean().optional(),
  realtime: realtime.optional(),
  exp: z.number(),
});
export type TokenClaims = z.infer<typeof tokenClaimsSchema>;

const scopes = z.array(
  z.string().max(1024).refine(isScope, { error: "is not a scope: action:type, or action:type:id" }),
);

/** A duration such as `15m` or `2 days`, or the moment in seconds since the epoch. */
const expirationTime = z.union([z.string().min(1), z.number().int().positive()]).optional();

/** `POST /api/v1/auth/jwt` */
export const signTokenBodySchema = z.object({
  claims: z.object({ scopes: scopes.max(1000).default([]) }).optional(),
  expirationTime,
});

/** `POST /api/v1/auth/public-tokens` */
export const createPublicTokenBodySchema = z.object({
  scopes: scopes.min(1).max(1000),
  expirationTime,
  oneTimeUse: z.boolean().optional(),
  realtime: realtime.optional(),
});

/** `POST /api/v1/auth/jwt/claims`: what a token signed with the key has to say. */
export const keyClaimsSchema = z.object({ sub: z.string(), pub: z.literal(true) });

export const signedTokenSchema = z.object({ token: z.string() });
