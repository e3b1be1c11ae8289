/** The URL under which anyone who has it may complete one token, without an API key, for as long as the token lives. */
import type { Signer } from "../security/signer.ts";

const PURPOSE = "token callbacks";

export class CallbackUrls {
  readonly #signer: Signer;

  constructor(signer: Signer) {
    this.#signer = signer;
  }

  /** @param base under which address the gateway is reached */
  make(base: string, env: string, tokenId: string): string {
    const hash = `${env}.${this.#signer.sign(PURPOSE, [env, tokenId])}`;
    return `${base}/api/v1/waitpoints/tokens/${encodeURIComponent(tokenId)}/callback/${hash}`;
  }

  /** The environment whose token may be completed; undefined when the hash is not this token's. */
  read(tokenId: string, hash: string): string | undefined {
    const at = hash.lastIndexOf(".");
    const env = hash.slice(0, Math.max(at, 0));
    const isRight = this.#signer.isSigned(PURPOSE, [env, tokenId], hash.slice(at + 1));
    return isRight ? env : undefined;
  }
}
