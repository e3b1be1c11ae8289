/** Payloads and outputs too large for an event, in the broker's object store. */
import { Objm, type ObjectStore } from "@nats-io/obj";
import { OBJECT_BUCKETS } from "@millrace/proto";
import type { NatsConnection } from "./connect.ts";
import { BrokerUnavailableError } from "./errors.ts";

export type StoredObject = { readonly data: string; readonly type: string };

export class Objects {
  readonly #store: ObjectStore;

  private constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Opens the bucket that provisioning has made. */
  static async open(nc: NatsConnection): Promise<Objects> {
    return new Objects(await new Objm(nc).open(OBJECT_BUCKETS.payloads.name));
  }

  /**
   * Stores a text and its type under a path of the environment's own; what was there is replaced.
   * @throws BrokerUnavailableError
   */
  async put(env: string, path: string, data: string, type: string): Promise<void> {
    const meta = { name: nameOf(env, path), metadata: { type } };
    await answered(`Storing ${path}`, this.#store.putBlob(meta, new TextEncoder().encode(data)));
  }

  /**
   * undefined when nothing is there, or no longer.
   * @throws BrokerUnavailableError
   */
  async get(env: string, path: string): Promise<StoredObject | undefined> {
    const name = nameOf(env, path);
    const info = await answered(`Reading ${path}`, this.#store.info(name));
    if (!info || info.deleted) return undefined;
    const bytes = await answered(`Reading ${path}`, this.#store.getBlob(name));
    if (!bytes) return undefined;
    return { data: new TextDecoder().decode(bytes), type: info.metadata?.["type"] ?? "" };
  }
}

/** Environments do not see each other's objects. An environment's name has no slash. */
function nameOf(env: string, path: string): string {
  return `${env}/${path}`;
}

async function answered<T>(what: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw new BrokerUnavailableError(`${what} failed: ${String(error)}`, { cause: error });
  }
}
