/** Public tokens. */
import {
  createPublicTokenBodySchema,
  keyClaimsSchema,
  signedTokenSchema,
  signTokenBodySchema,
} from "../auth.ts";
import { SECRET_KEY, type Operation } from "./operation.ts";

const tag = "Authentication";
const answers = { 200: { description: "The token.", schema: signedTokenSchema } };

export const AUTH_OPERATIONS: readonly Operation[] = [
  {
    method: "POST",
    route: "/api/v1/auth/jwt/claims",
    id: "retrieveKeyClaims",
    tag,
    summary: "Ask what a token signed with the key has to say",
    credentials: SECRET_KEY,
    answers: { 200: { description: "The claims.", schema: keyClaimsSchema } },
  },
  {
    method: "POST",
    route: "/api/v1/auth/jwt",
    id: "signToken",
    tag,
    summary: "Make a public token",
    credentials: SECRET_KEY,
    body: { schema: signTokenBodySchema, isOptional: true },
    answers,
  },
  {
    method: "POST",
    route: "/api/v1/auth/public-tokens",
    id: "createPublicToken",
    tag,
    summary: "Make a public token, also for one use",
    description: "It lives 15 minutes unless `expirationTime` says otherwise, at most 30 days.",
    credentials: SECRET_KEY,
    body: { schema: createPublicTokenBodySchema },
    answers,
  },
];
