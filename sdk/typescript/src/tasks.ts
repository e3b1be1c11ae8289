/** The `tasks` namespace: triggering by id, with a task's type alone (`tasks.trigger<typeof myTask>("my-task", …)`). */
import { globalHooks } from "./hooks.ts";
import type { RequestOptions } from "./request-options.ts";
import type { RunOf, RunReference } from "./run.ts";
import { runs, type PollOptions } from "./runs.ts";
import type {
  AnyTask,
  BatchHandle,
  BatchItem,
  BatchItems,
  BatchOptions,
  BatchResult,
  HandleOf,
  SubscribeOptions,
  TaskIdentifier,
  TaskOutput,
  TaskPayload,
  TaskRunPromise,
  WaitOptions,
} from "./task-types.ts";
import { batchTrigger, batchTriggerAndWait } from "./trigger-batch.ts";
import { trigger, triggerAndSubscribe, triggerAndWait } from "./trigger.ts";
import type { TriggerOptions } from "./trigger-options.ts";

export const tasks = {
  /** Starts a run and does not wait for it. */
  trigger: <T extends AnyTask = AnyTask>(
    id: TaskIdentifier<T>,
    payload: TaskPayload<T>,
    options?: TriggerOptions,
    requestOptions?: RequestOptions,
  ): Promise<HandleOf<T>> => trigger(id, payload, options, requestOptions),

  /** Starts 1 to 1000 runs and does not wait for them. */
  batchTrigger: <T extends AnyTask = AnyTask>(
    id: TaskIdentifier<T>,
    items: BatchItems<BatchItem<TaskPayload<T>>>,
    options?: BatchOptions,
    requestOptions?: RequestOptions,
  ): Promise<BatchHandle<TaskIdentifier<T>, TaskPayload<T>, TaskOutput<T>>> =>
    batchTrigger(id, items, options, requestOptions),

  /** Only inside a run: starts a child and gives the machine back until it has ended. */
  triggerAndWait: <T extends AnyTask = AnyTask>(
    id: TaskIdentifier<T>,
    payload: TaskPayload<T>,
    options?: WaitOptions,
  ): TaskRunPromise<TaskIdentifier<T>, TaskOutput<T>> => triggerAndWait(id, payload, options),

  /** Starts a run and follows it until it has ended; see `Task.triggerAndSubscribe`. */
  triggerAndSubscribe: <T extends AnyTask = AnyTask>(
    id: TaskIdentifier<T>,
    payload: TaskPayload<T>,
    options?: SubscribeOptions,
  ): TaskRunPromise<TaskIdentifier<T>, TaskOutput<T>> => triggerAndSubscribe(id, payload, options),

  /** Only inside a run: the same with 1 to 1000 children. Results are in the order of the items. */
  batchTriggerAndWait: <T extends AnyTask = AnyTask>(
    id: TaskIdentifier<T>,
    items: BatchItems<BatchItem<TaskPayload<T>, WaitOptions>>,
    options?: BatchOptions,
  ): Promise<BatchResult<TaskIdentifier<T>, TaskOutput<T>>> =>
    batchTriggerAndWait(id, items, options),

  /** Starts a run and polls it until it has finished. */
  triggerAndPoll: async <T extends AnyTask = AnyTask>(
    id: TaskIdentifier<T>,
    payload: TaskPayload<T>,
    { pollIntervalMs, ...options }: TriggerOptions & PollOptions = {},
    requestOptions?: RequestOptions,
  ): Promise<RunOf<T>> => {
    const handle = await trigger(id, payload, options, requestOptions);
    return await runs.poll<T>(
      handle.id as RunReference<T>,
      pollIntervalMs === undefined ? {} : { pollIntervalMs },
      requestOptions,
    );
  },

  ...globalHooks,
} as const;
