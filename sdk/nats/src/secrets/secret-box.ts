/**
 * Secrets at rest in the broker: AES-256-GCM under the installation's master key.
 *
 * 1. What was sealed for one place (a record's key) opens nowhere else.
 * 2. Master keys can be replaced: the first one seals, the others open what they have sealed.
 * 3. Where nobody configured one, it is made once and kept in the broker. Then the secrets are as safe as the broker's
 *    store and its credentials, and no safer.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";
import { BUCKETS, CONFIG_KEYS } from "@millrace/proto";
import { Bucket } from "../buckets.ts";
import { isConfined, type NatsConnection } from "../connect.ts";
import { BrokerUnavailableError } from "../errors.ts";

const MIN_LENGTH = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const KEY_ID_LENGTH = 8;
const PURPOSE = "millrace secrets";
const CIPHER = "aes-256-gcm";
const PATIENCE_MS = 30_000;
const LOOK_AGAIN_MS = 250;

type SealingKey = { readonly id: string; readonly key: Buffer };

export class SecretBox {
  readonly #keys: readonly [SealingKey, ...SealingKey[]];
  /** Whether the master key comes from outside the broker. */
  readonly isConfigured: boolean;

  private constructor(keys: readonly [SealingKey, ...SealingKey[]], isConfigured: boolean) {
    this.#keys = keys;
    this.isConfigured = isConfigured;
  }

  /**
   * @param masterKeys `MILLRACE_MASTER_KEY`: texts of at least 32 characters separated by commas, the current one
   *   first; undefined or empty: the broker's
   * @throws RangeError when one of them is too short
   * @throws BrokerUnavailableError when the broker has none and this connection may not make one: a gateway does
   */
  static async open(nc: NatsConnection, masterKeys?: string): Promise<SecretBox> {
    const config = await Bucket.open(nc, BUCKETS.config, text);
    const [first, ...others] = readMasterKeys(masterKeys);
    if (first === undefined) {
      const key = isConfined(nc) ? await othersKey(config) : await brokersKey(config);
      return new SecretBox([sealingKey(key)], false);
    }
    // What was sealed before a master key was configured.
    const kept = await config.get(CONFIG_KEYS.masterKey);
    const older = [...others, ...(kept ? [kept.value] : [])];
    return new SecretBox([sealingKey(first), ...older.map(sealingKey)], true);
  }

  /** @param place where it will be kept */
  seal(secret: string, place: string): string {
    const [{ id, key }] = this.#keys;
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, key, iv).setAAD(Buffer.from(place));
    const sealed = Buffer.concat([iv, cipher.update(secret, "utf8"), cipher.final()]);
    return `${id}.${Buffer.concat([sealed, cipher.getAuthTag()]).toString("base64url")}`;
  }

  /** The same, sealed with the current master key; undefined when it does not open. */
  reseal(sealed: string, place: string): string | undefined {
    const secret = this.open(sealed, place);
    return secret === undefined ? undefined : this.seal(secret, place);
  }

  /** undefined when no master key of these has sealed it, or not for this place. */
  open(sealed: string, place: string): string | undefined {
    const [keyId, text = ""] = sealed.split(".");
    const bytes = Buffer.from(text, "base64url");
    const key = this.#keys.find(({ id }) => id === keyId)?.key;
    if (!key || bytes.length < IV_BYTES + TAG_BYTES) return undefined;
    const tagAt = bytes.length - TAG_BYTES;
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(place)).setAuthTag(bytes.subarray(tagAt));
    try {
      const opened = [decipher.update(bytes.subarray(IV_BYTES, tagAt)), decipher.final()];
      return Buffer.concat(opened).toString("utf8");
    } catch {
      return undefined;
    }
  }
}

const text = {
  safeParse: (value: unknown) =>
    typeof value === "string" && value.length >= MIN_LENGTH
      ? { success: true as const, data: value }
      : { success: false as const },
};

function readMasterKeys(masterKeys: string | undefined): string[] {
  const keys = (masterKeys ?? "").split(",").flatMap((key) => key.trim() || []);
  if (keys.some((key) => key.length < MIN_LENGTH))
    throw new RangeError(
      `MILLRACE_MASTER_KEY: a master key has at least ${MIN_LENGTH} characters, such as what "openssl rand -hex 32" prints`,
    );
  return keys;
}

/** Whoever loses the race to make it takes the winner's. */
async function brokersKey(config: Bucket<string>): Promise<string> {
  const stored = await config.get(CONFIG_KEYS.masterKey);
  if (stored) return stored.value;
  await config.create(CONFIG_KEYS.masterKey, randomBytes(32).toString("hex"));
  const agreed = await config.get(CONFIG_KEYS.masterKey);
  if (!agreed) throw new Error("the master key was removed while it was made");
  return agreed.value;
}

/** Whoever is confined to an environment may read the installation's key, and not replace it. */
async function othersKey(config: Bucket<string>): Promise<string> {
  for (let waitedMs = 0; waitedMs <= PATIENCE_MS; waitedMs += LOOK_AGAIN_MS) {
    const stored = await config.get(CONFIG_KEYS.masterKey);
    if (stored) return stored.value;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  throw new BrokerUnavailableError(
    "There is no master key: set MILLRACE_MASTER_KEY, the same as the gateways', or start a gateway, which makes one",
  );
}

function sealingKey(masterKey: string): SealingKey {
  const key = Buffer.from(hkdfSync("sha256", masterKey, "", PURPOSE, 32));
  return { id: createHash("sha256").update(key).digest("hex").slice(0, KEY_ID_LENGTH), key };
}
