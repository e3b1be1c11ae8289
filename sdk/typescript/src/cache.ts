/** `createCache()`: results kept under keys, in a store of the caller's choice. */

export type CacheMetadata = {
  /** Epoch milliseconds. */
  readonly createdTime: number;
  /** Milliseconds an entry counts for; absent or null: for ever. */
  readonly ttl?: number | null;
};

export type CacheEntry<T = unknown> = { readonly value: T; readonly metadata: CacheMetadata };

type Eventually<T> = T | Promise<T>;

export interface CacheStore<T = unknown> {
  readonly name?: string;
  get(key: string): Eventually<CacheEntry<T> | undefined | null>;
  set(key: string, entry: CacheEntry<T>): unknown;
  delete(key: string): unknown;
}

export type CacheFunction = <T>(key: string, make: () => Eventually<T>) => Promise<T>;

/** A store in this process's memory. */
export class InMemoryCache<T = unknown> implements CacheStore<T> {
  readonly #entries = new Map<string, CacheEntry<T>>();

  get(key: string): CacheEntry<T> | undefined {
    return this.#entries.get(key);
  }

  set(key: string, entry: CacheEntry<T>): void {
    this.#entries.set(key, entry);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}

/**
 * A function that gives what is kept under a key, or makes and keeps it. What is being made for a key is made once,
 * however many ask. What throws is not kept.
 */
export function createCache(store: CacheStore): CacheFunction {
  const making = new Map<string, Promise<unknown>>();
  const fresh = async (key: string, make: () => unknown): Promise<unknown> => {
    const entry = await store.get(key);
    if (entry && !isStale(entry.metadata)) return entry.value;
    if (entry) await store.delete(key);
    const value = await make();
    await store.set(key, { value, metadata: { createdTime: Date.now() } });
    return value;
  };
  return async <T>(key: string, make: () => Eventually<T>): Promise<T> => {
    let made = making.get(key);
    if (!made) {
      made = fresh(key, make).finally(() => making.delete(key));
      making.set(key, made);
    }
    return (await made) as T;
  };
}

function isStale({ createdTime, ttl }: CacheMetadata): boolean {
  return typeof ttl === "number" && Date.now() > createdTime + ttl;
}
