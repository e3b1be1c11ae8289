/** `task()`: a definition becomes a record for the agents, and an object to trigger it by. */
import { hooksOf } from "./lifecycle/define-hooks.ts";
import { presetOf } from "./machine.ts";
import { defineTaskRecord, type DefinedTask } from "./registry.ts";
import { taskHandle } from "./task-handle.ts";
import { taskProblem, type AnyTaskOptions, type TaskOptions } from "./task-options.ts";
import type { Task } from "./task-types.ts";
import type { Untyped } from "./untyped.ts";

/**
 * What code takes, and what it gives: from the function itself, so that hooks written before it change nothing. Types
 * that were written down (`task<"id", Payload, Output>()`) leave the function's type unknown.
 */
export type PayloadOf<TRun, TWritten> = TRun extends (...args: infer TArgs) => unknown
  ? TArgs extends readonly []
    ? void
    : TArgs[0]
  : TWritten;
export type OutputOf<TRun, TWritten> = TRun extends (...args: never[]) => infer TResult
  ? Awaited<TResult>
  : TWritten;

/**
 * Defines a task. Call it at the top level of a task file and export what it returns.
 * @throws Error naming the task and the option that is unusable or that this version does not have
 */
export function task<
  TId extends string,
  TPayload = Untyped,
  TOutput = unknown,
  TInit = Untyped,
  TRun = unknown,
>(
  options: TaskOptions<TId, TPayload, TOutput, TInit, TRun>,
): Task<TId, PayloadOf<TRun, TPayload>, OutputOf<TRun, TOutput>> {
  const { id } = options;
  const problem = taskProblem(options);
  if (problem !== undefined) throw new Error(`task({ id: ${JSON.stringify(id)} }): ${problem}`);
  const handle = taskHandle<TId, PayloadOf<TRun, TPayload>, OutputOf<TRun, TOutput>>(id, undefined);
  defineTaskRecord(recordOf(options, handle));
  return handle;
}

/** What an agent needs to know of a definition. */
export function recordOf(options: AnyTaskOptions, handle: object): DefinedTask {
  const { id, description, queue, machine, retry, maxDuration, ttl, isolation, run } = options;
  const { jsonSchema } = options;
  const preset = machine && presetOf(machine);
  const hooks = hooksOf(options);
  return {
    id,
    ...(description === undefined ? {} : { description }),
    ...(queue === undefined ? {} : { queue: typeof queue === "string" ? { name: queue } : queue }),
    ...(preset === undefined ? {} : { machine: preset }),
    isolation: isolation ?? "process",
    ...(retry === undefined ? {} : { retry }),
    ...(maxDuration === undefined ? {} : { maxDuration }),
    ...(ttl === undefined ? {} : { ttl }),
    ...(jsonSchema === undefined ? {} : { jsonSchema }),
    ...(hooks ? { hooks } : {}),
    // The payload's type is the triggering side's promise; nobody can check it here.
    run: run as DefinedTask["run"],
    handle,
  };
}
