/** Buckets as typed maps: values are MessagePack, checked by a schema when read. */
import { Kvm, type KV } from "@nats-io/kv";
import { decodeBody, encodeBody, type BucketDefinition } from "@millrace/proto";
import type { NatsConnection } from "./connect.ts";
import type { Delivery } from "./delivery.ts";
import { BrokerUnavailableError } from "./errors.ts";
import { Feed } from "./feed.ts";

/** The part of a zod schema a bucket needs. */
type Reader<T> = {
  safeParse(
    value: unknown,
  ): { readonly success: true; readonly data: T } | { readonly success: false };
};

export type Entry<T> = { readonly value: T; readonly revision: number };

/** `value` undefined: the key was deleted or its time to live ended. */
export type Change<T> = { readonly key: string; readonly value: T | undefined };

export class Bucket<T> {
  readonly #nc: NatsConnection;
  readonly #name: string;
  readonly #reader: Reader<T>;
  readonly #kv: KV;

  private constructor(nc: NatsConnection, name: string, reader: Reader<T>, kv: KV) {
    this.#nc = nc;
    this.#name = name;
    this.#reader = reader;
    this.#kv = kv;
  }

  /** Opens a bucket that provisioning has made. */
  static async open<T>(
    nc: NatsConnection,
    definition: BucketDefinition,
    reader: Reader<T>,
  ): Promise<Bucket<T>> {
    const kv = await new Kvm(nc).open(definition.name);
    return new Bucket(nc, definition.name, reader, kv);
  }

  /**
   * undefined when there is no such key, or its value is not of this version's form.
   * @throws BrokerUnavailableError
   */
  async get(key: string): Promise<Entry<T> | undefined> {
    const entry = await this.#kv.get(key).catch((error: unknown) => {
      throw new BrokerUnavailableError(
        `Reading ${key} of bucket ${this.#name} failed: ${String(error)}`,
        { cause: error },
      );
    });
    if (!entry || entry.operation !== "PUT") return undefined;
    const value = this.#read(entry.value);
    return value === undefined ? undefined : { value, revision: entry.revision };
  }

  async put(key: string, value: T): Promise<number> {
    return await this.#kv.put(key, encodeBody(value));
  }

  /** Writes only when the key does not exist; undefined when it does. */
  async create(key: string, value: T): Promise<number | undefined> {
    return await expected(() => this.#kv.create(key, encodeBody(value)));
  }

  /**
   * Writes only over this revision; undefined when the key has changed since.
   * @param timeoutMs how long to wait for the answer; default 5 s
   */
  async update(
    key: string,
    value: T,
    revision: number,
    timeoutMs?: number,
  ): Promise<number | undefined> {
    return await expected(() => this.#kv.update(key, encodeBody(value), revision, timeoutMs));
  }

  /** Deletes the key; with a revision only when it is still the current one. */
  async delete(key: string, revision?: number): Promise<void> {
    await expected(async () => {
      await this.#kv.delete(key, revision === undefined ? {} : { previousSeq: revision });
      return 0;
    });
  }

  /**
   * Calls `onChange` with every current entry, then with every change. Resolves when the current ones are through.
   * @param keys which keys: one, or a pattern (`>` all, `dev.*`)
   */
  async watch(
    keys: string,
    onChange: (change: Change<T>) => void,
    onError?: (error: unknown) => void,
  ): Promise<Feed> {
    const subjectPrefix = `$KV.${this.#name}.`;
    const feed = await Feed.start(this.#nc, {
      stream: `KV_${this.#name}`,
      subjects: [`${subjectPrefix}${keys}`],
      from: "last-per-subject",
      onMessage: (delivery) =>
        onChange({
          key: delivery.subject.slice(subjectPrefix.length),
          value: this.#valueOf(delivery),
        }),
      ...(onError ? { onError } : {}),
    });
    await feed.caughtUp;
    return feed;
  }

  #valueOf(delivery: Delivery): T | undefined {
    return delivery.removed === "" ? this.#read(delivery.data) : undefined;
  }

  #read(bytes: Uint8Array): T | undefined {
    let value: unknown;
    try {
      value = decodeBody(bytes);
    } catch {
      return undefined;
    }
    const parsed = this.#reader.safeParse(value);
    return parsed.success ? parsed.data : undefined;
  }
}

const WRONG_LAST_SEQUENCE = new Set([10071, 10164]);

async function expected(write: () => Promise<number>): Promise<number | undefined> {
  try {
    return await write();
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (typeof code === "number" && WRONG_LAST_SEQUENCE.has(code)) return undefined;
    throw error;
  }
}
