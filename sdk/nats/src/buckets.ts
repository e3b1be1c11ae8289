/** Buckets as typed maps: values are MessagePack, checked by a schema when read. */
import { jetstream, type JetStreamClient } from "@nats-io/jetstream";
import { Kvm, type KV } from "@nats-io/kv";
import { headers } from "@nats-io/nats-core";
import { decodeBody, encodeBody, type BucketDefinition } from "@millrace/proto";
import { isConfined, type NatsConnection } from "./connect.ts";
import type { Delivery } from "./delivery.ts";
import { BrokerRefusedError, BrokerUnavailableError } from "./errors.ts";
import { Feed } from "./feed.ts";

/** The part of a zod schema a bucket needs. */
type Reader<T> = {
  safeParse(
    value: unknown,
  ): { readonly success: true; readonly data: T } | { readonly success: false };
};

/** `writtenAt`: epoch milliseconds, by the broker's clock. */
export type Entry<T> = {
  readonly value: T;
  readonly revision: number;
  readonly writtenAt: number;
};

/** `value` undefined: the key was deleted or its time to live ended. */
export type Change<T> = { readonly key: string; readonly value: T | undefined };

/** For a bucket with `keyTtl`: how long the key lives after this write; whole seconds, at least one, rounded up. */
export type WriteOptions = { readonly ttlMs?: number | undefined };

export type ChangeOptions<T> = {
  /** See `WriteOptions`; may depend on what is written. */
  readonly ttlMs?: (value: T) => number | undefined;
  /** How long others may get in between; default 5 s. */
  readonly deadlineMs?: number;
};

const TTL = "Nats-TTL";
const EXPECT_SEQ = "Nats-Expected-Last-Subject-Sequence";
const CHANGE_DEADLINE_MS = 5000;
/** How long the marker of a deleted key stays where keys have times to live of their own: nothing there is for ever. */
const MARKER_TTL = "60s";

export class Bucket<T> {
  readonly #nc: NatsConnection;
  readonly #name: string;
  readonly #hasKeyTtl: boolean;
  readonly #reader: Reader<T>;
  readonly #kv: KV;
  readonly #js: JetStreamClient;

  private constructor(nc: NatsConnection, definition: BucketDefinition, reader: Reader<T>, kv: KV) {
    this.#nc = nc;
    this.#name = definition.name;
    this.#hasKeyTtl = definition.keyTtl === true;
    this.#reader = reader;
    this.#kv = kv;
    this.#js = jetstream(nc);
  }

  /** Opens a bucket that provisioning has made. */
  static async open<T>(
    nc: NatsConnection,
    definition: BucketDefinition,
    reader: Reader<T>,
  ): Promise<Bucket<T>> {
    // A direct read names its key in its subject; the other kind asks the stream's leader, and names it in its body.
    const kv = await new Kvm(nc).open(definition.name, { allow_direct: isConfined(nc) });
    return new Bucket(nc, definition, reader, kv);
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
    if (value === undefined) return undefined;
    return { value, revision: entry.revision, writtenAt: entry.created.getTime() };
  }

  async put(key: string, value: T, options: WriteOptions = {}): Promise<number> {
    const { ttlMs } = options;
    return await this.#answered(key, () =>
      ttlMs === undefined ? this.#kv.put(key, encodeBody(value)) : this.#putFor(key, value, ttlMs),
    );
  }

  /** Writes only when the key does not exist; undefined when it does. */
  async create(key: string, value: T, options: WriteOptions = {}): Promise<number | undefined> {
    const { ttlMs } = options;
    const ttl = ttlMs === undefined ? undefined : ttlOf(ttlMs);
    return await this.#expected(key, () => this.#kv.create(key, encodeBody(value), ttl));
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
    options: WriteOptions = {},
  ): Promise<number | undefined> {
    const { ttlMs } = options;
    return await this.#expected(key, () =>
      ttlMs === undefined
        ? this.#kv.update(key, encodeBody(value), revision, timeoutMs)
        : this.#putFor(key, value, ttlMs, revision, timeoutMs),
    );
  }

  /**
   * Reads, decides and writes until nobody gets in between. `change` gets the present value (undefined: none) and gives
   * the next one; undefined leaves things as they are. It may be called several times.
   * @returns what is there then
   * @throws BrokerUnavailableError when others were faster until the deadline
   */
  async change(
    key: string,
    change: (current: T | undefined) => T | undefined,
    options: ChangeOptions<T> = {},
  ): Promise<T | undefined> {
    const deadline = Date.now() + (options.deadlineMs ?? CHANGE_DEADLINE_MS);
    for (let tries = 0; ; tries++) {
      const entry = await this.get(key);
      const next = change(entry?.value);
      if (next === undefined) return entry?.value;
      const write = { ttlMs: options.ttlMs?.(next) };
      const revision = entry
        ? await this.update(key, next, entry.revision, undefined, write)
        : await this.create(key, next, write);
      if (revision !== undefined) return next;
      if (Date.now() > deadline)
        throw new BrokerUnavailableError(`Changing ${key} of bucket ${this.#name} took too long`);
      await pause(tries);
    }
  }

  /** Deletes the key; with a revision only when it is still the current one. */
  async delete(key: string, revision?: number): Promise<void> {
    const expecting = revision === undefined ? {} : { previousSeq: revision };
    await this.#expected(key, async () => {
      if (this.#hasKeyTtl) await this.#kv.purge(key, { ...expecting, ttl: MARKER_TTL });
      else await this.#kv.delete(key, expecting);
      return 0;
    });
  }

  /**
   * Calls `visit` with every current entry, one at a time: however many there are, few are in memory. A key that is
   * written meanwhile may be visited again.
   * @param keys which keys: a pattern (`>` all, `dev.*`)
   */
  async each(keys: string, visit: (key: string, value: T) => void): Promise<void> {
    const feed = await this.watch(keys, ({ key, value }) => {
      if (value !== undefined) visit(key, value);
    });
    await feed.stop();
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

  async #expected(key: string, write: () => Promise<number>): Promise<number | undefined> {
    try {
      return await this.#answered(key, write);
    } catch (error) {
      if (error instanceof BrokerRefusedError && WRONG_LAST_SEQUENCE.has(error.code))
        return undefined;
      throw error;
    }
  }

  async #answered(key: string, write: () => Promise<number>): Promise<number> {
    try {
      return await write();
    } catch (error) {
      const what = `Writing ${key} of bucket ${this.#name}`;
      const { code } = error as { code?: unknown };
      if (typeof code === "number") throw new BrokerRefusedError(code, String(error), what);
      throw new BrokerUnavailableError(`${what} failed: ${String(error)}`, { cause: error });
    }
  }

  async #putFor(
    key: string,
    value: T,
    ttlMs: number,
    revision?: number,
    timeoutMs?: number,
  ): Promise<number> {
    const fields = headers();
    fields.set(TTL, ttlOf(ttlMs));
    if (revision !== undefined) fields.set(EXPECT_SEQ, String(revision));
    const ack = await this.#js.publish(`$KV.${this.#name}.${key}`, encodeBody(value), {
      headers: fields,
      ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
    });
    return ack.seq;
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

function ttlOf(ttlMs: number): string {
  return `${Math.max(1, Math.ceil(ttlMs / 1000))}s`;
}

/** Longer from try to try, and for everybody differently: those who lost do not meet again. */
async function pause(tries: number): Promise<void> {
  const ms = Math.random() * Math.min(100, 2 ** tries);
  await new Promise((resolve) => setTimeout(resolve, ms));
}

const WRONG_LAST_SEQUENCE = new Set([10071, 10164]);
