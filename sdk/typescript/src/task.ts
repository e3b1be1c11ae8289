/** `task()`: a definition becomes a record for the agents, and an object to trigger it by. */
import { presetOf } from "./machine.ts";
import { defineTaskRecord, type DefinedTask } from "./registry.ts";
import { taskProblem, type AnyTaskOptions, type TaskOptions } from "./task-options.ts";
import type { Task } from "./task-types.ts";
import { batchTrigger, batchTriggerAndWait, trigger, triggerAndWait } from "./trigger.ts";

/**
 * Defines a task. Call it at the top level of a task file and export what it returns.
 * @throws Error naming the task and the option that is unusable or that this version does not have
 */
export function task<TId extends string, TPayload = void, TOutput = unknown>(
  options: TaskOptions<TId, TPayload, TOutput>,
): Task<TId, TPayload, TOutput> {
  const { id } = options;
  const problem = taskProblem(options);
  if (problem !== undefined) throw new Error(`task({ id: ${JSON.stringify(id)} }): ${problem}`);
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

function recordOf(options: AnyTaskOptions, handle: object): DefinedTask {
  const { id, description, queue, machine, retry, maxDuration, ttl, isolation, run } = options;
  const preset = machine && presetOf(machine);
  return {
    id,
    ...(description === undefined ? {} : { description }),
    ...(queue === undefined ? {} : { queue: typeof queue === "string" ? { name: queue } : queue }),
    ...(preset === undefined ? {} : { machine: preset }),
    isolation: isolation ?? "process",
    ...(retry === undefined ? {} : { retry }),
    ...(maxDuration === undefined ? {} : { maxDuration }),
    ...(ttl === undefined ? {} : { ttl }),
    // The payload's type is the triggering side's promise; nobody can check it here.
    run: run as DefinedTask["run"],
    handle,
  };
}
