/** Environment variables of an environment's runs, encrypted at rest. Each value is sealed for its own record. */
import { BUCKETS, envVarKey, envVarRecordSchema, type EnvVarRecord } from "@millrace/proto";
import { Bucket } from "../buckets.ts";
import type { NatsConnection } from "../connect.ts";
import type { Feed } from "../feed.ts";
import { reencryptAll, type Reencrypted } from "./reencrypt.ts";
import type { SecretBox } from "./secret-box.ts";

export type EnvVar = { readonly name: string; readonly value: string; readonly isSecret: boolean };

export class EnvVars {
  readonly #bucket: Bucket<EnvVarRecord>;
  readonly #box: SecretBox;

  private constructor(bucket: Bucket<EnvVarRecord>, box: SecretBox) {
    this.#bucket = bucket;
    this.#box = box;
  }

  static async open(nc: NatsConnection, box: SecretBox): Promise<EnvVars> {
    return new EnvVars(await Bucket.open(nc, BUCKETS.envvars, envVarRecordSchema), box);
  }

  /**
   * By name.
   * @throws RangeError when one is sealed with a master key that is not here
   */
  async list(env: string): Promise<readonly EnvVar[]> {
    const records = new Map<string, EnvVarRecord>();
    await this.#bucket.each(`${env}.>`, (key, record) => records.set(key, record));
    const found = [...records].map(([key, record]) => this.#open(key, record));
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** undefined when there is none. @throws RangeError as `list` does */
  async get(env: string, name: string): Promise<EnvVar | undefined> {
    const key = envVarKey(env, name);
    const entry = await this.#bucket.get(key);
    return entry && this.#open(key, entry.value);
  }

  /** Makes or changes it. `isSecret` undefined: as it was, or not. */
  async set(
    env: string,
    { name, value, isSecret }: { name: string; value: string; isSecret?: boolean | undefined },
  ): Promise<void> {
    const key = envVarKey(env, name);
    const sealed = this.#box.seal(value, key);
    await this.#bucket.change(key, (current) => ({
      name,
      sealed,
      isSecret: isSecret ?? current?.isSecret ?? false,
      updatedAt: Date.now(),
    }));
  }

  /** Whether there was one. */
  async delete(env: string, name: string): Promise<boolean> {
    const key = envVarKey(env, name);
    const entry = await this.#bucket.get(key);
    if (entry) await this.#bucket.delete(key);
    return entry !== undefined;
  }

  /** Seals every value of every environment anew, with the current master key. */
  async reencrypt(): Promise<Reencrypted> {
    return await reencryptAll(this.#bucket, this.#box);
  }

  /**
   * Keeps `values` as the environment's variables are, by name. Resolves when those there are have been read.
   * @param onUnreadable told of each that is sealed with a master key that is not here; it is left out
   */
  async follow(
    env: string,
    values: Map<string, string>,
    onUnreadable: (name: string) => void,
  ): Promise<Feed> {
    const names = new Map<string, string>();
    return await this.#bucket.watch(`${env}.>`, ({ key, value: record }) => {
      values.delete(names.get(key) ?? "");
      if (!record) return;
      names.set(key, record.name);
      const value = this.#box.open(record.sealed, key);
      if (value === undefined) onUnreadable(record.name);
      else values.set(record.name, value);
    });
  }

  #open(key: string, { name, sealed, isSecret }: EnvVarRecord): EnvVar {
    const value = this.#box.open(sealed, key);
    if (value === undefined)
      throw new RangeError(`The variable ${name} is sealed with another MILLRACE_MASTER_KEY`);
    return { name, value, isSecret };
  }
}
