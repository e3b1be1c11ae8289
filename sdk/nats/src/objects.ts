/**
 * Payloads and outputs too large for an event, in the stream of the broker's object bucket, under subjects that name their
 * environment: broker permissions follow it. An object is its chunks, and a description that is written last; what is
 * replaced stays until its time to live is over.
 */
import { jetstream, jetstreamManager, type JetStreamClient } from "@nats-io/jetstream";
import { nuid } from "@nats-io/nats-core";
import { Objm } from "@nats-io/obj";
import {
  decodeBody,
  encodeBody,
  objectChunk,
  objectChunks,
  objectDescription,
  objectStream,
  OBJECT_BUCKETS,
} from "@millrace/proto";
import { isConfined, type NatsConnection } from "./connect.ts";
import { DirectReader } from "./direct-reader.ts";
import { BrokerUnavailableError } from "./errors.ts";

export type StoredObject = { readonly data: string; readonly type: string };

/** `bytes`: of all chunks together; each but the last has `CHUNK_BYTES`. */
type Description = { readonly id: string; readonly bytes: number; readonly type: string };

const BUCKET = OBJECT_BUCKETS.payloads.name;
const STREAM = objectStream(BUCKET);
const CHUNK_BYTES = 256 * 1024;
const CHUNKS_AT_ONCE = 8;
/** On a cluster the answer may come from a replica that is a moment behind. */
const LOOK_AGAIN_MS = 250;

export class Objects {
  readonly #nc: NatsConnection;
  readonly #js: JetStreamClient;
  readonly #direct: DirectReader;

  private constructor(nc: NatsConnection) {
    this.#nc = nc;
    this.#js = jetstream(nc);
    this.#direct = new DirectReader(nc, STREAM);
  }

  /** Opens the bucket that provisioning has made. */
  static async open(nc: NatsConnection): Promise<Objects> {
    return await Promise.resolve(new Objects(nc));
  }

  /**
   * Stores a text and its type under a path of the environment's own; what was there is replaced.
   * @throws BrokerUnavailableError
   */
  async put(env: string, path: string, data: string, type: string): Promise<void> {
    await answered(`Storing ${path}`, this.#put(env, path, new TextEncoder().encode(data), type));
  }

  /**
   * undefined when nothing is there, or no longer.
   * @throws BrokerUnavailableError
   */
  async get(env: string, path: string): Promise<StoredObject | undefined> {
    return await answered(`Reading ${path}`, this.#get(env, path));
  }

  async #put(env: string, path: string, bytes: Uint8Array, type: string): Promise<void> {
    const id = nuid.next();
    const parts = Math.ceil(bytes.length / CHUNK_BYTES);
    for (let from = 0; from < parts; from += CHUNKS_AT_ONCE) {
      const count = Math.min(CHUNKS_AT_ONCE, parts - from);
      await Promise.all(
        Array.from({ length: count }, async (_, index) => {
          const part = from + index;
          const chunk = bytes.subarray(part * CHUNK_BYTES, (part + 1) * CHUNK_BYTES);
          await this.#js.publish(objectChunk(BUCKET, env, id, part), chunk);
        }),
      );
    }
    const description: Description = { id, bytes: bytes.length, type };
    await this.#js.publish(objectDescription(BUCKET, env, path), encodeBody(description));
  }

  async #get(env: string, path: string): Promise<StoredObject | undefined> {
    const description = await this.#describe(env, path);
    if (!description) return isConfined(this.#nc) ? undefined : await this.#old(env, path);
    const { id, bytes, type } = description;
    const all = new Uint8Array(bytes);
    // By number: chunks may be stored in another order, and twice.
    const found = new Set<number>();
    await this.#direct.each(objectChunks(BUCKET, env, id), 0, ({ subject, data }) => {
      const part = Number(subject.slice(subject.lastIndexOf(".") + 1));
      if (part * CHUNK_BYTES + data.length > bytes) return;
      all.set(data, part * CHUNK_BYTES);
      found.add(part);
    });
    // A chunk is gone: the object's time is over, or is about to be.
    if (found.size !== Math.ceil(bytes / CHUNK_BYTES)) return undefined;
    return { data: new TextDecoder().decode(all), type };
  }

  async #describe(env: string, path: string): Promise<Description | undefined> {
    const last_by_subj = objectDescription(BUCKET, env, path);
    const { direct, streams } = await jetstreamManager(this.#nc, { checkAPI: false });
    if (!isConfined(this.#nc)) {
      const message = await streams.getMessage(STREAM, { last_by_subj });
      return message ? read(message.data) : undefined;
    }
    const first = await direct.getMessage(STREAM, { last_by_subj });
    if (first) return read(first.data);
    if (this.#nc.info?.cluster === undefined) return undefined;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    const again = await direct.getMessage(STREAM, { last_by_subj });
    return again ? read(again.data) : undefined;
  }

  /** As versions stored them whose subjects did not name the environment. */
  async #old(env: string, path: string): Promise<StoredObject | undefined> {
    const store = await new Objm(this.#nc).open(BUCKET);
    const name = `${env}/${path}`;
    const info = await store.info(name);
    if (!info || info.deleted) return undefined;
    const bytes = await store.getBlob(name);
    if (!bytes) return undefined;
    return { data: new TextDecoder().decode(bytes), type: info.metadata?.["type"] ?? "" };
  }
}

function read(bytes: Uint8Array): Description | undefined {
  const value = decodeBody(bytes);
  return typeof value === "object" && value !== null && "id" in value
    ? (value as Description)
    : undefined;
}

async function answered<T>(what: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw new BrokerUnavailableError(`${what} failed: ${String(error)}`, { cause: error });
  }
}
