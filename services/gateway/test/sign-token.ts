/** Public tokens as v4's clients sign them. */
import { createSecretKey } from "node:crypto";
import { SignJWT, type JWTPayload } from "jose";
import { ENV, KEY } from "./harness.ts";

export type Claims = JWTPayload & { readonly scopes?: readonly string[] };

/** @param expires a duration such as `1m`, or a time in seconds since the epoch */
export async function signToken(
  claims: Claims,
  { key = KEY, expires = "1m" }: { readonly key?: string; readonly expires?: string | number } = {},
): Promise<string> {
  return await new SignJWT({
    sub: ENV,
    pub: true,
    iss: "https://id.trigger.dev",
    aud: "https://api.trigger.dev",
    ...claims,
  } as JWTPayload)
    .setProtectedHeader({ alg: "HS256" })
    .setExpirationTime(expires)
    .sign(createSecretKey(key, "utf8"));
}
