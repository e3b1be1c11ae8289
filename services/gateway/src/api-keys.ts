/**
 * API keys, followed live. What is stored and looked up is a key's SHA-256: how long a lookup takes tells about the
 * hash, which nobody can steer towards a stored one, so it needs no comparison in constant time.
 */
import { createHash } from "node:crypto";
import { BUCKETS, keyRecordSchema, type KeyRecord } from "@millrace/proto";
import { Bucket, type Feed, type NatsConnection } from "@millrace/service-kit";

export class ApiKeys {
  readonly #bucket: Bucket<KeyRecord>;
  readonly #envByHash = new Map<string, string>();
  #feed: Feed | undefined;

  private constructor(bucket: Bucket<KeyRecord>) {
    this.#bucket = bucket;
  }

  /** Resolves when every key made so far is known. */
  static async open(nc: NatsConnection): Promise<ApiKeys> {
    const keys = new ApiKeys(await Bucket.open(nc, BUCKETS.keys, keyRecordSchema));
    keys.#feed = await keys.#bucket.watch(">", ({ key, value }) => {
      if (value) keys.#envByHash.set(key, value.env);
      else keys.#envByHash.delete(key);
    });
    return keys;
  }

  /**
   * The environment a key opens; undefined when it opens none. A key this process has not heard of may have been
   * made a moment ago: it is looked up before it is called wrong.
   */
  async envOf(key: string): Promise<string | undefined> {
    const hash = createHash("sha256").update(key).digest("hex");
    return this.#envByHash.get(hash) ?? (await this.#bucket.get(hash))?.value.env;
  }

  async close(): Promise<void> {
    await this.#feed?.stop();
  }
}
