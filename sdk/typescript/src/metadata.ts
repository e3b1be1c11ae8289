/** The `metadata` namespace: what a run tells about itself while its code executes. Outside a run it does nothing. */
import type { MetadataOperation } from "@millrace/proto";
import { currentRun } from "./host.ts";
import { metadataOf, type MetadataTarget } from "./metadata-buffer.ts";
import { serialPart } from "./serial-part.ts";
import { pipeTo, type Source } from "./streams/pipe.ts";
import { readStream } from "./streams/read.ts";
import type { Untyped } from "./untyped.ts";

type Metadata = Readonly<Record<string, Untyped>>;

/**
 * Changes are made at once and written within a second. A key that begins with `$.` is a path: `$.steps[0].done`.
 * Values are what JSON makes of them. What would make a run's own metadata larger than 256 KB throws RangeError.
 */
class MetadataUpdater {
  readonly #target: MetadataTarget;

  constructor(target: MetadataTarget) {
    this.#target = target;
  }

  /** Sets one key; of an object (an older spelling), all of its keys. Undefined deletes the key. */
  set(key: string, value: unknown): this;
  set(values: Metadata): this;
  set(key: string | Metadata, value?: unknown): this {
    if (typeof key === "string") return this.#set(key, value);
    for (const [name, each] of Object.entries(key)) this.#set(name, each);
    return this;
  }

  del(key: string): this {
    return this.#apply({ type: "delete", key });
  }

  /** Adds to the end of an array, which is made when there is none. */
  append(key: string, value: unknown): this {
    return this.#apply({ type: "append", key, value: serialPart(`metadata key "${key}"`, value) });
  }

  /** Takes everything equal to the value out of an array. */
  remove(key: string, value: unknown): this {
    return this.#apply({ type: "remove", key, value: serialPart(`metadata key "${key}"`, value) });
  }

  /** @throws RangeError when it is not a finite number */
  increment(key: string, by = 1): this {
    if (!Number.isFinite(by))
      throw new RangeError(`metadata.increment() takes a number, not ${by}`);
    return this.#apply({ type: "increment", key, value: by });
  }

  decrement(key: string, by = 1): this {
    return this.increment(key, -by);
  }

  /** Everything that was there is gone. */
  replace(value: Metadata): this {
    const serial = serialPart("metadata", value) as Record<string, unknown>;
    return this.#apply({ type: "update", value: serial });
  }

  #set(key: string, value: unknown): this {
    if (value === undefined) return this.del(key);
    return this.#apply({ type: "set", key, value: serialPart(`metadata key "${key}"`, value) });
  }

  #apply(operation: MetadataOperation): this {
    const run = currentRun();
    if (run) metadataOf(run).apply(this.#target, operation);
    return this;
  }
}

class RunMetadata extends MetadataUpdater {
  /** The metadata of the run that triggered this one; this run's own when there is none. */
  readonly parent: MetadataUpdater = new MetadataUpdater("parent");
  /** The metadata of the first run of this one's family; this run's own when it is the first. */
  readonly root: MetadataUpdater = new MetadataUpdater("root");

  constructor() {
    super("self");
  }

  /** Everything, as it is now; undefined outside a run. */
  current(): Metadata | undefined {
    const run = currentRun();
    return run && (metadataOf(run).view as Metadata);
  }

  get(key: string): Untyped {
    return this.current()?.[key];
  }

  /** Another name of `replace`. */
  save(value: Metadata): this {
    return this.replace(value);
  }

  /** Resolves when everything so far is written. Never rejects. */
  async flush(): Promise<void> {
    const run = currentRun();
    if (run) await metadataOf(run).flush();
  }

  /**
   * Writes a realtime stream of the run; `streams.pipe` is newer.
   * @returns the same values, for the code itself
   */
  async stream<T>(key: string, source: Source<T>, signal?: AbortSignal): Promise<AsyncIterable<T>> {
    return pipeTo(key, source, signal ? { signal } : {}).stream;
  }

  /** Reads a realtime stream of the run; `streams.read` is newer. @throws Error outside a run */
  async fetchStream<T = unknown>(key: string, signal?: AbortSignal): Promise<AsyncIterable<T>> {
    const run = currentRun();
    if (!run) throw new Error("metadata.fetchStream() can only be used from inside a task.run()");
    return await readStream<T>(run.ctx.run.id, key, signal ? { signal } : {});
  }

  /** Takes in what others (children, the API) have changed. @throws ApiError */
  async refresh(): Promise<void> {
    const run = currentRun();
    if (!run) return;
    const { host, ctx } = run;
    await metadataOf(run).refresh(async () => {
      const { metadata: stored } = await host.call("metadata.retrieve", { runId: ctx.run.id });
      return stored;
    });
  }
}

export const metadata = new RunMetadata();
