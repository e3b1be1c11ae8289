/** An installation's API keys: made, listed, replaced, taken back. A key itself is shown once, to whoever makes it. */
import { randomInt } from "node:crypto";
import {
  Bucket,
  EnvVars,
  openKey,
  reencryptKeys,
  registerKey,
  type NatsConnection,
  type SecretBox,
} from "@millrace/nats";
import { BUCKETS, keyPrefix, keyRecordSchema, type KeyRecord } from "@millrace/proto";

const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** 24 letters are 142 bits. */
const LENGTH = 24;
/** Enough of a hash to name a key by. */
const ID_LENGTH = 12;

export type ListedKey = {
  readonly id: string;
  readonly record: KeyRecord;
  /** Whether public tokens can be signed with it here. */
  readonly canSign: boolean;
};

export class Keys {
  readonly #nc: NatsConnection;
  readonly #box: SecretBox;
  readonly #bucket: Bucket<KeyRecord>;

  private constructor(nc: NatsConnection, box: SecretBox, bucket: Bucket<KeyRecord>) {
    this.#nc = nc;
    this.#box = box;
    this.#bucket = bucket;
  }

  static async open(nc: NatsConnection, box: SecretBox): Promise<Keys> {
    return new Keys(nc, box, await Bucket.open(nc, BUCKETS.keys, keyRecordSchema));
  }

  /** A new key of the environment. */
  async create(env: string, nowMs: number): Promise<string> {
    const letters = Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)]);
    const key = `${keyPrefix(env)}${letters.join("")}`;
    await this.register(env, key, nowMs);
    return key;
  }

  /** Lets a key in that was made elsewhere. The same key again changes nothing. */
  async register(env: string, key: string, nowMs: number): Promise<void> {
    await registerKey(this.#nc, this.#box, key, { env, createdAt: nowMs });
  }

  /**
   * A new key; the others of the environment, and the tokens they signed, are valid for `graceMs` more. The new one is
   * there before the old ones are limited: whatever fails in between, nobody is locked out.
   */
  async rotate(env: string, graceMs: number, nowMs: number): Promise<string> {
    const old = await this.#hashes(env);
    const key = await this.create(env, nowMs);
    const until = nowMs + graceMs;
    for (const hash of old)
      await this.#bucket.change(hash, (record) =>
        record && (record.validUntil ?? Infinity) > until
          ? { ...record, validUntil: until }
          : undefined,
      );
    return key;
  }

  /** Takes a key back at once. @param id as `list` shows it. Returns how many keys it names: taken back when it is one */
  async revoke(env: string, id: string): Promise<number> {
    const named = (await this.#hashes(env)).filter((hash) => hash.startsWith(id));
    const [hash] = named;
    if (hash !== undefined && named.length === 1) await this.#bucket.delete(hash);
    return named.length;
  }

  /** By environment and age. @param env undefined: of all */
  async list(env?: string): Promise<readonly ListedKey[]> {
    const found: ListedKey[] = [];
    await this.#bucket.each(">", (hash, record) => {
      if (env !== undefined && record.env !== env) return;
      const canSign = openKey(hash, record, this.#box) !== undefined;
      found.push({ id: hash.slice(0, ID_LENGTH), record, canSign });
    });
    return found.sort(
      ({ record: a }, { record: b }) => a.env.localeCompare(b.env) || a.createdAt - b.createdAt,
    );
  }

  /** Encrypts keys and environment variables with the current master key. */
  async reencrypt(): Promise<{ readonly done: number; readonly unreadable: number }> {
    const keys = await reencryptKeys(this.#nc, this.#box);
    const vars = await (await EnvVars.open(this.#nc, this.#box)).reencrypt();
    return { done: keys.done + vars.done, unreadable: keys.unreadable + vars.unreadable };
  }

  async #hashes(env: string): Promise<string[]> {
    const hashes: string[] = [];
    await this.#bucket.each(">", (hash, record) => {
      if (record.env === env) hashes.push(hash);
    });
    return hashes;
  }
}
