/** Credentials that open nothing, or not this. */
import { createHmac } from "node:crypto";
import { TOKEN_AUDIENCE, TOKEN_ISSUER } from "@millrace/proto";

/** The header's value; undefined: there is none. */
export type BadCredential = {
  readonly name: string;
  readonly value: string | undefined;
  /** A valid one, that allows nothing. */
  readonly isToken: boolean;
};

type Keys = { readonly env: string; readonly key: string; readonly otherKey: string };

export function badCredentials({ env, key, otherKey }: Keys): readonly BadCredential[] {
  const claims = {
    sub: env,
    pub: true,
    iss: TOKEN_ISSUER,
    aud: TOKEN_AUDIENCE,
    exp: 4_000_000_000,
    scopes: ["admin"],
  };
  const header = { alg: "HS256" };
  const good = signed(header, claims, key);
  const tokens: Readonly<Record<string, string>> = {
    "a token that has expired": signed(header, { ...claims, exp: 1 }, key),
    "a token without an end": signed(header, { ...claims, exp: undefined }, key),
    "a token whose end is no number": signed(header, { ...claims, exp: "never" }, key),
    "a token signed with another environment's key": signed(header, claims, otherKey),
    "a token signed with nothing": signed(header, claims, ""),
    "a token without a signature": `${good.split(".").slice(0, 2).join(".")}.`,
    "a token of no algorithm": `${part({ alg: "none" })}.${part(claims)}.`,
    "a token of another algorithm": signed({ alg: "HS512" }, claims, key),
    "a token with a critical header": signed({ ...header, crit: ["x"], x: 1 }, claims, key),
    "a token of an environment nobody knows": signed(header, { ...claims, sub: "*" }, key),
    "a token of no environment": signed(header, { ...claims, sub: undefined }, key),
    "a token whose environment is a number": signed(header, { ...claims, sub: 5 }, key),
    "a token of an environment called __proto__": signed(
      header,
      { ...claims, sub: "__proto__" },
      key,
    ),
    "a token that is not public": signed(header, { ...claims, pub: false }, key),
    "a token whose scopes are no list": signed(header, { ...claims, scopes: "admin" }, key),
    "a token with scopes of other types": signed(header, { ...claims, scopes: [null, {}] }, key),
    "a token from elsewhere": signed(header, { ...claims, iss: "https://elsewhere" }, key),
    "a token for elsewhere": signed(header, { ...claims, aud: ["https://elsewhere"] }, key),
    "a token of rubbish": "a.b.c",
    "a token of empty parts": "..",
    "a token that is no object": `${part("x" as unknown as object)}.${part([])}.x`,
  };
  const powerless: Readonly<Record<string, string>> = {
    "a token of no right": signed(header, { ...claims, scopes: ["read", "admin:all", "x:y"] }, key),
    "a token without scopes": signed(header, { ...claims, scopes: [] }, key),
  };
  const headers: Readonly<Record<string, string | undefined>> = {
    "no credential": undefined,
    "an empty credential": "",
    "no key": "Bearer ",
    "a wrong key": "Bearer tr_dev_wrong",
    "another scheme": `Basic ${Buffer.from(`key:${key}`).toString("base64")}`,
    "a key cut short": `Bearer ${key.slice(0, -1)}`,
    "a key in other letters": `Bearer ${key.toUpperCase()}`,
    "two keys": `Bearer ${key}, Bearer ${key}`,
    "a wildcard": "Bearer >",
    "a very long key": `Bearer ${"k".repeat(8000)}`,
    "bytes beyond ASCII": `Bearer \xff\xfe`,
  };
  return [
    ...Object.entries(headers).map(([name, value]) => ({ name, value, isToken: false })),
    ...Object.entries(tokens).map(bearer(false)),
    ...Object.entries(powerless).map(bearer(true)),
  ];
}

function bearer(isToken: boolean): (entry: readonly [string, string]) => BadCredential {
  return ([name, token]) => ({ name, value: `Bearer ${token}`, isToken });
}

export function signed(header: object, claims: object, key: string): string {
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
