/**
 * Signatures of the URLs that work without an API key. One key an installation, made by the first gateway that needs
 * it and kept in the broker, so that any gateway accepts what another one signed. Each purpose signs with a key derived
 * for it: a signature for one says nothing for another.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { BUCKETS, CONFIG_KEYS } from "@millrace/proto";
import { Bucket, type NatsConnection } from "@millrace/service-kit";
import { z } from "zod";

export class Signer {
  readonly #key: string;

  private constructor(key: string) {
    this.#key = key;
  }

  static async open(nc: NatsConnection): Promise<Signer> {
    const config = await Bucket.open(nc, BUCKETS.config, z.string().min(1));
    const stored = await config.get(CONFIG_KEYS.signingKey);
    if (stored) return new Signer(stored.value);
    const made = randomBytes(32).toString("hex");
    // Whoever loses the race takes the winner's.
    await config.create(CONFIG_KEYS.signingKey, made);
    const agreed = await config.get(CONFIG_KEYS.signingKey);
    if (!agreed) throw new Error("the signing key was removed while it was made");
    return new Signer(agreed.value);
  }

  /** HMAC-SHA256 in hex. The parts are kept apart: `["a", "b"]` and `["ab"]` sign differently. */
  sign(purpose: string, parts: readonly string[]): string {
    const key = createHmac("sha256", this.#key).update(purpose).digest();
    return createHmac("sha256", key).update(JSON.stringify(parts)).digest("hex");
  }

  /** Takes the same time whatever is wrong with the signature. */
  isSigned(purpose: string, parts: readonly string[], signature: string): boolean {
    const expected = Buffer.from(this.sign(purpose, parts));
    const given = Buffer.from(signature);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }
}
