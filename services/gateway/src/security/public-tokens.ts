/**
 * Public access tokens: JWT, HS256, signed with a secret key of the environment they are for. Whoever has the key may
 * sign them; the gateway does for those who cannot.
 */
import { createHash, createHmac, randomUUID } from "node:crypto";
import { TOKEN_AUDIENCE, TOKEN_ISSUER, tokenClaimsSchema, type TokenClaims } from "@millrace/proto";
import { decodeJwt, errors, jwtVerify, SignJWT } from "jose";
import type { ApiKeys } from "./api-keys.ts";

const ALGORITHM = "HS256";
const HEADER = base64url({ alg: ALGORITHM });

export type PublicToken = {
  /** The token's SHA-256 in hex. */
  readonly hash: string;
  readonly scopes: readonly string[];
  readonly isOneTime: boolean;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  /** Columns its subscriptions leave out, whatever they ask for. */
  readonly skipColumns: readonly string[] | undefined;
};

export type SignedClaims = Partial<Pick<TokenClaims, "scopes" | "otu" | "realtime">>;

export type VerifiedToken = { readonly env: string; readonly token: PublicToken };

export class PublicTokens {
  readonly #keys: ApiKeys;

  constructor(keys: ApiKeys) {
    this.#keys = keys;
  }

  /** undefined when it has expired, is none of ours, or no key of its environment has signed it. */
  async verify(text: string): Promise<VerifiedToken | undefined> {
    const env = subjectOf(text);
    if (env === undefined) return undefined;
    for (const { secret } of this.#keys.signingKeys(env)) {
      const claims = await verifiedClaims(text, secret);
      if (claims === "signed by another") continue;
      if (claims?.sub !== env) return undefined;
      const { scopes, otu, realtime, exp } = claims;
      const hash = createHash("sha256").update(text).digest("hex");
      return {
        env,
        token: {
          hash,
          scopes,
          isOneTime: otu === true,
          expiresAt: exp * 1000,
          skipColumns: realtime?.skipColumns,
        },
      };
    }
    return undefined;
  }

  /**
   * A token of the environment; undefined when it has no key to sign with. No two are the same.
   * @param expires a duration such as `15m`, or seconds since the epoch
   * @throws TypeError when the duration makes no sense
   */
  async sign(
    env: string,
    claims: SignedClaims,
    expires: string | number,
  ): Promise<string | undefined> {
    const [key] = this.#keys.signingKeys(env);
    if (!key) return undefined;
    return await new SignJWT({ pub: true, ...claims })
      .setProtectedHeader({ alg: ALGORITHM })
      .setSubject(env)
      .setIssuer(TOKEN_ISSUER)
      .setAudience(TOKEN_AUDIENCE)
      .setIssuedAt()
      .setJti(randomUUID())
      .setExpirationTime(expires)
      .sign(key.secret);
  }

  /**
   * The same at once, and a tenth of the work, for what every trigger is answered with. It has no identity of its own:
   * made twice in a second it is the same token.
   */
  signAtOnce(
    env: string,
    claims: SignedClaims,
    lifetimeSec: number,
    nowMs: number,
  ): string | undefined {
    const [key] = this.#keys.signingKeys(env);
    if (!key) return undefined;
    const iat = Math.floor(nowMs / 1000);
    const standard = {
      sub: env,
      iss: TOKEN_ISSUER,
      aud: TOKEN_AUDIENCE,
      iat,
      exp: iat + lifetimeSec,
    };
    const signed = `${HEADER}.${base64url({ pub: true, ...claims, ...standard })}`;
    return `${signed}.${createHmac("sha256", key.secret).update(signed).digest("base64url")}`;
  }
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** Whether a credential is to be read as a token: three parts, which no key has. */
export function looksLikeToken(credential: string): boolean {
  return credential.split(".").length === 3;
}

/** When a token that was just signed ends, in epoch milliseconds. */
export function expiryOf(token: string): number {
  return (decodeJwt(token).exp ?? 0) * 1000;
}

/** For whom it says it is: which keys to try. */
function subjectOf(text: string): string | undefined {
  try {
    return decodeJwt(text).sub;
  } catch {
    return undefined;
  }
}

async function verifiedClaims(
  text: string,
  secret: Parameters<typeof jwtVerify>[1],
): Promise<TokenClaims | "signed by another" | undefined> {
  try {
    const { payload } = await jwtVerify(text, secret, {
      algorithms: [ALGORITHM],
      issuer: TOKEN_ISSUER,
      audience: TOKEN_AUDIENCE,
      requiredClaims: ["exp", "sub"],
    });
    const read = tokenClaimsSchema.safeParse(payload);
    return read.success ? read.data : undefined;
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return "signed by another";
    if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined;
    throw error;
  }
}
