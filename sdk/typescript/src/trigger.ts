/** Triggering by task id: what tasks' own methods and the `tasks` namespace have in common. */
import { LIMITS, refuse } from "@millrace/proto";
import { itemError } from "./batch.ts";
import { refusalError } from "./errors.ts";
import { currentRun, type RunHost, type TriggerCall } from "./host.ts";
import { platform } from "./platform.ts";
import { resultOf, withUnwrap } from "./task-result.ts";
import type {
  BatchHandle,
  BatchItem,
  BatchResult,
  RunHandle,
  TaskRunPromise,
  TaskRunResult,
} from "./task-types.ts";
import { triggerCall, type TriggerOptions } from "./trigger-options.ts";

export async function trigger<TId extends string, TPayload, TOutput>(
  taskIdentifier: TId,
  payload: TPayload,
  options?: TriggerOptions,
): Promise<RunHandle<TId, TPayload, TOutput>> {
  const call = triggerCall(taskIdentifier, payload, options);
  const handle = await (await platform()).trigger(call);
  return { ...handle, taskIdentifier };
}

export async function batchTrigger<TId extends string, TPayload, TOutput>(
  taskIdentifier: TId,
  items: readonly BatchItem<TPayload>[],
): Promise<BatchHandle<TId, TPayload, TOutput>> {
  const calls = callsOf(taskIdentifier, items);
  const { batchId, runIds } = await (await platform()).batchTrigger(calls);
  return {
    batchId,
    runCount: runIds.length,
    runs: runIds.map((id) => ({ id, taskIdentifier })),
  };
}

export function triggerAndWait<TId extends string, TPayload, TOutput>(
  taskIdentifier: TId,
  payload: TPayload,
  options?: TriggerOptions,
): TaskRunPromise<TId, TOutput> {
  const wait = async (): Promise<TaskRunResult<TId, TOutput>> => {
    const host = hostFor("triggerAndWait");
    const call = triggerCall(taskIdentifier, payload, options);
    const [child] = await host.triggerAndWait([call], false);
    if (!child) throw new Error(`The run's host gave no result for task "${taskIdentifier}"`);
    return resultOf(taskIdentifier, child);
  };
  return withUnwrap(wait());
}

export async function batchTriggerAndWait<TId extends string, TPayload, TOutput>(
  taskIdentifier: TId,
  items: readonly BatchItem<TPayload>[],
): Promise<BatchResult<TId, TOutput>> {
  const host = hostFor("batchTriggerAndWait");
  const children = await host.triggerAndWait(callsOf(taskIdentifier, items), true);
  return { runs: children.map((child) => resultOf(taskIdentifier, child)) };
}

function callsOf(taskId: string, items: readonly BatchItem<unknown>[]): TriggerCall[] {
  if (items.length === 0 || items.length > LIMITS.batchItems)
    throw refusalError(
      refuse("BAD_REQUEST", `A batch has 1 to ${LIMITS.batchItems} items, not ${items.length}`),
    );
  return items.map(({ payload, options }, index) => {
    try {
      return triggerCall(taskId, payload, options);
    } catch (error) {
      throw itemError(index, error);
    }
  });
}

function hostFor(call: string): RunHost {
  const run = currentRun();
  if (!run) throw new Error(`${call} can only be used from inside a task.run()`);
  return run.host;
}
