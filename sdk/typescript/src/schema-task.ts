/** `schemaTask()`: a task whose payload is checked before it is sent, and parsed before it is run. */
import { TaskPayloadParsedError } from "./errors.ts";
import type { LifecycleHooks } from "./lifecycle/hook-types.ts";
import { defineTaskRecord } from "./registry.ts";
import { parserOf, type Schema, type SchemaInput, type SchemaOutput } from "./schema.ts";
import { recordOf, type OutputOf } from "./task.ts";
import { taskHandle } from "./task-handle.ts";
import { taskProblem, type RunFunction, type TaskSettings } from "./task-options.ts";
import type { Task } from "./task-types.ts";
import type { Untyped } from "./untyped.ts";

export type SchemaTaskOptions<
  TId extends string,
  TSchema extends Schema,
  TOutput,
  TInit = Untyped,
  TRun = unknown,
> = TaskSettings<TId> &
  LifecycleHooks<SchemaOutput<TSchema>, TOutput, TInit> & {
    /** Any Standard Schema (Zod, Valibot, ArkType, Yup, …), an object of another library that parses, or a function. */
    readonly schema: TSchema;
    readonly run: TRun & RunFunction<SchemaOutput<TSchema>, TOutput, TInit>;
  };

/**
 * Defines a task with a schema. A payload the schema refuses is not sent: triggering throws `TaskPayloadParsedError`.
 * One that arrives all the same fails its run for good (`TASK_INPUT_ERROR`) before any hook is called. What is sent is
 * the payload as it was given; `run` gets what the schema makes of it.
 * @throws Error naming the task and the option that is unusable
 */
export function schemaTask<
  TId extends string,
  TSchema extends Schema,
  TOutput = unknown,
  TInit = Untyped,
  TRun = unknown,
>(
  options: SchemaTaskOptions<TId, TSchema, TOutput, TInit, TRun>,
): Task<TId, SchemaInput<TSchema>, OutputOf<TRun, TOutput>> {
  const { schema, ...definition } = options;
  const { id } = definition;
  const problem = taskProblem(definition);
  if (problem !== undefined) throw unusable(id, problem);
  const parse = parserFor(id, schema);
  const handle = taskHandle<TId, SchemaInput<TSchema>, OutputOf<TRun, TOutput>>(
    id,
    async (payload) => {
      try {
        await parse(payload);
      } catch (cause) {
        throw new TaskPayloadParsedError(id, cause);
      }
    },
  );
  defineTaskRecord({ ...recordOf(definition, handle), parse });
  return handle;
}

function parserFor(id: string, schema: unknown): (payload: unknown) => unknown {
  try {
    return parserOf(schema);
  } catch (error) {
    throw unusable(id, error instanceof Error ? error.message : String(error));
  }
}

function unusable(id: string, problem: string): Error {
  return new Error(`schemaTask({ id: ${JSON.stringify(id)} }): ${problem}`);
}
