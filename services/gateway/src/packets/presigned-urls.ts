/** URLs under which one object of the store can be put or had, by whoever has them, for a quarter of an hour. */
import type { SignedQuery } from "@millrace/proto";
import type { Signer } from "../security/signer.ts";

export const OBJECTS_PATH = "/api/v1/objects";

const VALID_MS = 15 * 60_000;
const PURPOSE = "objects";

export type ObjectAccess = {
  readonly method: "GET" | "PUT";
  readonly env: string;
  readonly path: string;
};

export class PresignedUrls {
  readonly #signer: Signer;

  constructor(signer: Signer) {
    this.#signer = signer;
  }

  /** @param base under which address the gateway is reached */
  make(base: string, access: ObjectAccess, nowMs: number): string {
    const expires = String(nowMs + VALID_MS);
    const signature = this.#signer.sign(PURPOSE, parts(access, expires));
    const { env, path } = access;
    return `${base}${OBJECTS_PATH}?${new URLSearchParams({ env, path, expires, signature }).toString()}`;
  }

  /** What the URL allows; undefined when it was not made here for this method, or its time is over. */
  read(
    method: ObjectAccess["method"],
    query: SignedQuery,
    nowMs: number,
  ): ObjectAccess | undefined {
    const { env = "", path = "", expires = "", signature = "" } = query;
    const access = { method, env, path };
    if (!this.#signer.isSigned(PURPOSE, parts(access, expires), signature)) return undefined;
    return Number(expires) > nowMs ? access : undefined;
  }
}

function parts({ method, env, path }: ObjectAccess, expires: string): string[] {
  return [method, env, path, expires];
}
