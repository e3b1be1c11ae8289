/**
 * API keys, followed live. What a key is looked up by is its SHA-256: how long a lookup takes tells about the hash,
 * which nobody can steer towards a stored one, so it needs no comparison in constant time.
 */
import { createSecretKey, type KeyObject } from "node:crypto";
import { BUCKETS, keyEnvironment, keyRecordSchema, type KeyRecord } from "@millrace/proto";
import {
  Bucket,
  openKey,
  type Feed,
  type Logger,
  type NatsConnection,
  type SecretBox,
} from "@millrace/service-kit";

/** What tokens of an environment are signed and verified with. */
export type SigningKey = { readonly createdAt: number; readonly secret: KeyObject };

type Known = { readonly record: KeyRecord; readonly secret: KeyObject | undefined };

export class ApiKeys {
  readonly #bucket: Bucket<KeyRecord>;
  readonly #box: SecretBox;
  readonly #log: Logger;
  readonly #known = new Map<string, Known>();
  #feed: Feed | undefined;

  private constructor(bucket: Bucket<KeyRecord>, box: SecretBox, log: Logger) {
    this.#bucket = bucket;
    this.#box = box;
    this.#log = log;
  }

  /** Resolves when every key made so far is known. */
  static async open(nc: NatsConnection, box: SecretBox, log: Logger): Promise<ApiKeys> {
    const bucket = await Bucket.open(nc, BUCKETS.keys, keyRecordSchema);
    const keys = new ApiKeys(bucket, box, log);
    keys.#feed = await bucket.watch(">", ({ key, value }) => {
      if (value) keys.#known.set(key, keys.#know(key, value));
      else keys.#known.delete(key);
    });
    return keys;
  }

  /** Whether any key opens anything, now. */
  get hasAny(): boolean {
    return [...this.#known.values()].some(({ record }) => isValid(record));
  }

  /**
   * The environment a key opens; undefined when it opens none. A key this process has not heard of may have been
   * made a moment ago: it is looked up before it is called wrong.
   * @param hash the key's
   */
  async envOf(hash: string): Promise<string | undefined> {
    const record = this.#known.get(hash)?.record ?? (await this.#bucket.get(hash))?.value;
    return record && isValid(record) ? record.env : undefined;
  }

  /** The keys that vouch for an environment's tokens, the newest first. A branch's tokens are signed with a preview key. */
  signingKeys(env: string): readonly SigningKey[] {
    const owner = keyEnvironment(env);
    const keys: SigningKey[] = [];
    for (const { record, secret } of this.#known.values())
      if (record.env === owner && secret && isValid(record))
        keys.push({ createdAt: record.createdAt, secret });
    return keys.sort((a, b) => b.createdAt - a.createdAt);
  }

  async close(): Promise<void> {
    await this.#feed?.stop();
  }

  #know(hash: string, record: KeyRecord): Known {
    const key = openKey(hash, record, this.#box);
    if (key === undefined && record.sealed !== undefined)
      this.#log.warn(
        { env: record.env, key: record.hint },
        "an API key is sealed with another master key: tokens signed with it are refused",
      );
    return { record, secret: key === undefined ? undefined : createSecretKey(key, "utf8") };
  }
}

function isValid({ validUntil }: KeyRecord): boolean {
  return validUntil === undefined || Date.now() < validUntil;
}
