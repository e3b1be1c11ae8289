/** The tasks and queues a process has defined, in the order of their definition. */
import type { Isolation, RetrySettings } from "@millrace/proto";
import type { TaskContext } from "./host.ts";

/** What `run` and the hooks get besides the payload. */
export type RunParams = {
  readonly ctx: TaskContext;
  /** Aborted when the run is cancelled. */
  readonly signal: AbortSignal;
};

/** A task as its definition left it: what an agent needs to register and execute it. */
export type DefinedTask = {
  readonly id: string;
  readonly description?: string;
  readonly queue?: { readonly name?: string; readonly concurrencyLimit?: number | null };
  /** A preset's name. */
  readonly machine?: string;
  readonly isolation: Isolation;
  readonly retry?: RetrySettings;
  readonly maxDuration?: number;
  readonly ttl?: string | number;
  readonly run: (payload: unknown, params: RunParams) => unknown;
  /** The object `task()` returned: how exports are matched with definitions. */
  readonly handle: object;
};

export type DefinedQueue = {
  readonly name: string;
  readonly concurrencyLimit: number | null;
};

const KEY = Symbol.for("millrace.definitions.v1");
type Definitions = { readonly tasks: DefinedTask[]; readonly queues: DefinedQueue[] };
const globals = globalThis as { [KEY]?: Definitions };
const definitions: Definitions = (globals[KEY] ??= { tasks: [], queues: [] });

export function defineTaskRecord(task: DefinedTask): void {
  definitions.tasks.push(task);
}

export function defineQueueRecord(queue: DefinedQueue): void {
  definitions.queues.push(queue);
}

/** Everything defined so far in this process. */
export function definedTasks(): readonly DefinedTask[] {
  return definitions.tasks;
}

export function definedQueues(): readonly DefinedQueue[] {
  return definitions.queues;
}
