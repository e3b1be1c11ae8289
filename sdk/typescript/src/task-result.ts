/** Results of child runs, from what the log says to what code works with. */
import type { ChildResult, RunError, RunView } from "@millrace/proto";
import { SubtaskUnwrapError } from "./errors.ts";
import type { RunHost } from "./host.ts";
import { fromPacket, openPacket } from "./packets.ts";
import type { TaskRunPromise, TaskRunResult } from "./task-types.ts";

/** A large output is fetched from the object store. @throws ApiError when it cannot be */
export async function resultOf<TId extends string, TOutput>(
  taskIdentifier: TId,
  child: ChildResult,
  host: RunHost,
): Promise<TaskRunResult<TId, TOutput>> {
  const { id } = child;
  if (!child.ok) return { ok: false, id, taskIdentifier, error: thrownBy(child.error) };
  const { output: data, outputType: type } = child;
  const packet = await openPacket(data === undefined ? { type } : { data, type }, (path) =>
    host.call("packets.load", { path }),
  );
  return { ok: true, id, taskIdentifier, output: fromPacket(packet) as TOutput };
}

/** The same of a run as it is shown: its output is what JSON makes of it. */
export function resultOfView<TId extends string, TOutput>(
  taskIdentifier: TId,
  { id, isSuccess, output, error, status }: RunView,
): TaskRunResult<TId, TOutput> {
  if (isSuccess) return { ok: true, id, taskIdentifier, output: output as TOutput };
  const { name = "Error", message = `The run ended as ${status}`, stackTrace } = error ?? {};
  return { ok: false, id, taskIdentifier, error: errorWith(name, message, stackTrace) };
}

export function withUnwrap<TId extends string, TOutput>(
  result: Promise<TaskRunResult<TId, TOutput>>,
): TaskRunPromise<TId, TOutput> {
  const unwrap = async (): Promise<TOutput> => {
    const ended = await result;
    if (ended.ok) return ended.output;
    throw new SubtaskUnwrapError(ended.taskIdentifier, ended.id, ended.error);
  };
  return Object.assign(result, { unwrap });
}

/** What the child's code threw, as nearly as its log knows; an error of the platform's is named by its code. */
function thrownBy(error: RunError): unknown {
  switch (error.type) {
    case "BUILT_IN_ERROR":
      return errorWith(error.name, error.message, error.stackTrace);
    case "INTERNAL_ERROR":
      return errorWith(error.code, error.message ?? error.code, error.stackTrace);
    case "STRING_ERROR":
      return error.raw;
    case "CUSTOM_ERROR":
      return parsedOrRaw(error.raw);
  }
}

function errorWith(name: string, message: string, stack: string | undefined): Error {
  const error = new Error(message);
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}

function parsedOrRaw(raw: string): unknown {
  try {
    return JSON.parse(raw) as unknown;
  } catch {
    return raw;
  }
}
