/** `task()`: a definition becomes a record for the agents, and an object to trigger it by. */
import {
  isolationSchema,
  parseDuration,
  retrySettingsSchema,
  taskIdProblem,
  type Isolation,
  type RetrySettings,
} from "@millrace/proto";
import { presetOf, type MachineOption } from "./machine.ts";
import { queueProblem, type Queue } from "./queue.ts";
import { defineTaskRecord, type DefinedTask, type RunParams } from "./registry.ts";
import type { Task } from "./task-types.ts";
import { batchTrigger, batchTriggerAndWait, trigger, triggerAndWait } from "./trigger.ts";

export type TaskOptions<TId extends string, TPayload, TOutput> = {
  /** Unique; at most 128 characters. */
  readonly id: TId;
  readonly description?: string | undefined;
  /** A queue's name, `queue()`, or the limit of the task's own queue. Default: its own queue, without a limit. */
  readonly queue?:
    | string
    | Queue
    | { readonly name?: string; readonly concurrencyLimit?: number | null }
    | undefined;
  /** Default `small-1x`. */
  readonly machine?: MachineOption | undefined;
  /** Without it the first failure is final. */
  readonly retry?: RetrySettings | undefined;
  /** Seconds of active time an attempt may take; less than 5 counts as 5. */
  readonly maxDuration?: number | undefined;
  /** A run expires when it has not started this long after it was queued: seconds, or a duration such as `10m`. */
  readonly ttl?: string | number | undefined;
  /** `shared` runs many light runs in one process. Default `process`: one run at a time in a process of its own. */
  readonly isolation?: Isolation | undefined;
  readonly run: (payload: TPayload, params: RunParams) => TOutput | Promise<TOutput>;
};

/**
 * Defines a task. Call it at the top level of a task file and export what it returns.
 * @throws Error naming the task and the option that is unusable or that this version does not have
 */
export function task<TId extends string, TPayload = void, TOutput = unknown>(
  options: TaskOptions<TId, TPayload, TOutput>,
): Task<TId, TPayload, TOutput> {
  const { id } = options;
  const handle: Task<TId, TPayload, TOutput> = {
    id,
    trigger: (payload, triggerOptions) => trigger(id, payload, triggerOptions),
    batchTrigger: (items) => batchTrigger(id, items),
    triggerAndWait: (payload, triggerOptions) => triggerAndWait(id, payload, triggerOptions),
    batchTriggerAndWait: (items) => batchTriggerAndWait(id, items),
  };
  defineTaskRecord(recordOf(options, handle));
  return handle;
}

/** Every option this version has. Others, such as the lifecycle hooks, are refused rather than ignored. */
const OPTIONS: { readonly [Name in keyof TaskOptions<string, unknown, unknown>]-?: true } = {
  id: true,
  description: true,
  queue: true,
  machine: true,
  retry: true,
  maxDuration: true,
  ttl: true,
  isolation: true,
  run: true,
};

function recordOf<TPayload, TOutput>(
  options: TaskOptions<string, TPayload, TOutput>,
  handle: object,
): DefinedTask {
  const { id, description, queue, machine, retry, maxDuration, ttl, isolation, run } = options;
  const unusable = (problem: string): Error =>
    new Error(`task({ id: ${JSON.stringify(id)} }): ${problem}`);

  const idProblem = typeof id === "string" ? taskIdProblem(id) : "A task needs an id";
  if (idProblem !== undefined) throw unusable(idProblem);
  for (const [name, value] of Object.entries(options))
    if (value !== undefined && !Object.hasOwn(OPTIONS, name))
      throw unusable(`option "${name}" is not supported by this version`);
  if (typeof run !== "function") throw unusable("run must be a function");
  const problem =
    queueProblem(typeof queue === "string" ? { name: queue } : (queue ?? {})) ??
    retryProblem(retry) ??
    maxDurationProblem(maxDuration) ??
    ttlProblem(ttl) ??
    isolationProblem(isolation);
  if (problem !== undefined) throw unusable(problem);
  let preset;
  try {
    preset = machine === undefined ? undefined : presetOf(machine);
  } catch (error) {
    throw unusable((error as Error).message);
  }
  return {
    id,
    ...(description === undefined ? {} : { description }),
    ...(queue === undefined ? {} : { queue: typeof queue === "string" ? { name: queue } : queue }),
    ...(preset === undefined ? {} : { machine: preset }),
    isolation: isolation ?? "process",
    ...(retry === undefined ? {} : { retry }),
    ...(maxDuration === undefined ? {} : { maxDuration }),
    ...(ttl === undefined ? {} : { ttl }),
    run: (payload, params) => run(payload as TPayload, params),
    handle,
  };
}
