/**
 * A run's metadata while its code executes: changes show at once here, and are written together, every second.
 *
 * 1. The local view is the fold of what the run began with and of every operation, written or not.
 * 2. Operations are written in their order. What could not be written because nobody answered is written with the
 *    next; what was refused is logged and dropped.
 */
import {
  applyMetadata,
  LIMITS,
  metadataOperationSchema,
  metadataProblem,
  type CallInput,
  type JsonObject,
  type MetadataOperation,
} from "@millrace/proto";
import { isApiError } from "./errors.ts";
import type { RunScope } from "./host.ts";

export type MetadataTarget = "self" | "parent" | "root";

const BUFFER = Symbol.for("millrace.metadata.v1");
const SEED = Symbol.for("millrace.metadata-seed.v1");

const FLUSH_MS = 1000;

type Pending = { readonly [Target in MetadataTarget]: MetadataOperation[] };

export class MetadataBuffer {
  readonly #scope: RunScope;
  #view: JsonObject;
  #pending: Pending = none();
  /** At least as large as the view written as JSON. */
  #sizeBound: number;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  #writes = 0;

  constructor(scope: RunScope, seed: JsonObject) {
    this.#scope = scope;
    this.#view = seed;
    this.#sizeBound = bytesOf(seed);
  }

  get view(): JsonObject {
    return this.#view;
  }

  /**
   * @throws TypeError when the operation's key or value cannot be metadata's; RangeError when the run's metadata would be
   * too large. Nothing is changed then.
   */
  apply(target: MetadataTarget, operation: MetadataOperation): void {
    const [issue] = metadataOperationSchema.safeParse(operation).error?.issues ?? [];
    if (issue) throw new TypeError(`metadata: ${issue.message}`);
    const meant = this.#meant(target);
    if (meant === "self") this.#applyHere(operation);
    this.#pending[meant].push(operation);
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS).unref();
  }

  /** The view becomes what the log knows by now, and over it what is not written yet. */
  async refresh(retrieve: () => Promise<JsonObject>): Promise<void> {
    for (;;) {
      await this.flush();
      const writes = this.#writes;
      const stored = await retrieve();
      // What was written meanwhile may be missing in the answer.
      if (writes !== this.#writes) continue;
      this.#view = applyMetadata(stored, this.#pending.self);
      this.#sizeBound = bytesOf(this.#view);
      return;
    }
  }

  /** Resolves when everything so far is written, or cannot be. Undefined when there is nothing to write. */
  flush(): Promise<void> | undefined {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (count(this.#pending) === 0) return this.#flushing;
    const before = this.#flushing ?? Promise.resolve();
    const flushing = before.then(() => this.#write());
    this.#flushing = flushing;
    return flushing.then(() => {
      if (this.#flushing === flushing) this.#flushing = undefined;
    });
  }

  /** A run without a parent is its own, as in v4. */
  #meant(target: MetadataTarget): MetadataTarget {
    const { parentTaskRunId, rootTaskRunId } = this.#scope.ctx.run;
    if (target === "parent" && parentTaskRunId === undefined) return "self";
    if (target === "root" && rootTaskRunId === undefined) return "self";
    return target;
  }

  #applyHere(operation: MetadataOperation): void {
    const next = applyMetadata(this.#view, [operation]);
    this.#sizeBound += bytesOf(operation);
    if (this.#sizeBound > LIMITS.metadataLength) {
      const problem = metadataProblem(next);
      this.#sizeBound = bytesOf(problem ? this.#view : next);
      if (problem) throw new RangeError(problem.message);
    }
    this.#view = next;
  }

  async #write(): Promise<void> {
    const written = this.#pending;
    if (count(written) === 0) return;
    this.#pending = none();
    this.#writes++;
    try {
      await this.#scope.host.call("metadata.update", updateOf(this.#scope.ctx.run.id, written));
    } catch (error) {
      const isRefused = isApiError(error) && error.status !== undefined && error.status < 500;
      if (!isRefused) this.#pending = joined(written, this.#pending);
      this.#log(error, isRefused);
    }
  }

  #log(error: unknown, isRefused: boolean): void {
    const reason = error instanceof Error ? error.message : String(error);
    const message = isRefused
      ? `Metadata was refused and is lost: ${reason}`
      : `Metadata could not be written yet: ${reason}`;
    this.#scope.host.log({ at: Date.now(), level: "warn", message });
  }
}

export function metadataOf(scope: RunScope): MetadataBuffer {
  const existing = scope.storage.get(BUFFER) as MetadataBuffer | undefined;
  if (existing) return existing;
  const seed = scope.storage.get(SEED) as JsonObject | undefined;
  const buffer = new MetadataBuffer(scope, seed ?? {});
  scope.storage.set(BUFFER, buffer);
  return buffer;
}

/** What the run's metadata is when its code begins. */
export function seedMetadata(scope: RunScope, metadata: JsonObject): void {
  scope.storage.set(SEED, metadata);
}

/** Never rejects. Undefined when there is nothing to write. */
export function flushMetadata(scope: RunScope): Promise<void> | undefined {
  return (scope.storage.get(BUFFER) as MetadataBuffer | undefined)?.flush();
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function none(): Pending {
  return { self: [], parent: [], root: [] };
}

function count({ self, parent, root }: Pending): number {
  return self.length + parent.length + root.length;
}

function joined(a: Pending, b: Pending): Pending {
  return {
    self: [...a.self, ...b.self],
    parent: [...a.parent, ...b.parent],
    root: [...a.root, ...b.root],
  };
}

function updateOf(runId: string, { self, parent, root }: Pending): CallInput<"metadata.update"> {
  return {
    runId,
    ...(self.length === 0 ? {} : { operations: self }),
    ...(parent.length === 0 ? {} : { parentOperations: parent }),
    ...(root.length === 0 ? {} : { rootOperations: root }),
  };
}
