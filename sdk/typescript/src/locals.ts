/** `locals`: values that belong to one attempt of a run, for code that is called without them. */
import { currentRun } from "./host.ts";

declare const TYPE: unique symbol;

export type LocalsKey<T> = { readonly id: string; readonly [TYPE]?: T };

export const locals = {
  /** Makes a key. Keys of the same name are the same key, also when several bundles make it. */
  create: <T>(id: string): LocalsKey<T> => ({ id }),

  /**
   * Outside a run it is forgotten at once.
   * @returns the value
   */
  set: <T>(key: LocalsKey<T>, value: T): T => {
    currentRun()?.storage.set(storageKey(key), value);
    return value;
  },

  /** Undefined when nothing was set in this attempt. */
  get: <T>(key: LocalsKey<T>): T | undefined =>
    currentRun()?.storage.get(storageKey(key)) as T | undefined,

  /** @throws Error when nothing was set in this attempt */
  getOrThrow: <T>(key: LocalsKey<T>): T => {
    const run = currentRun();
    const name = storageKey(key);
    if (run?.storage.has(name)) return run.storage.get(name) as T;
    throw new Error(
      run
        ? `Local "${key.id}" has not been set in this attempt`
        : `Local "${key.id}" can only be read from inside a run`,
    );
  },
} as const;

function storageKey({ id }: LocalsKey<unknown>): string {
  return `local:${id}`;
}
