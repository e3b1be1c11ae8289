/** The `tasks` namespace: triggering by id, with a task's type alone (`tasks.trigger<typeof myTask>("my-task", …)`). */
import type { RunOf, RunReference } from "./run.ts";
import { runs, type PollOptions } from "./runs.ts";
import type {
  AnyTask,
  BatchHandle,
  BatchItem,
  BatchResult,
  HandleOf,
  TaskIdentifier,
  TaskOutput,
  TaskPayload,
  TaskRunPromise,
} from "./task-types.ts";
import { batchTrigger, batchTriggerAndWait, trigger, triggerAndWait } from "./trigger.ts";
import type { TriggerOptions } from "./trigger-options.ts";

export const tasks = {
  /** Starts a run and does not wait for it. */
  trigger: <T extends AnyTask = AnyTask>(
    id: TaskIdentifier<T>,
    payload: TaskPayload<T>,
    options?: TriggerOptions,
  ): Promise<HandleOf<T>> => trigger(id, payload, options),

  /** Starts 1 to 1000 runs and does not wait for them. */
  batchTrigger: <T extends AnyTask = AnyTask>(
    id: TaskIdentifier<T>,
    items: readonly BatchItem<TaskPayload<T>>[],
  ): Promise<BatchHandle<TaskIdentifier<T>, TaskPayload<T>, TaskOutput<T>>> =>
    batchTrigger(id, items),

  /** Only inside a run: starts a child and gives the machine back until it has ended. */
  triggerAndWait: <T extends AnyTask = AnyTask>(
    id: TaskIdentifier<T>,
    payload: TaskPayload<T>,
    options?: TriggerOptions,
  ): TaskRunPromise<TaskIdentifier<T>, TaskOutput<T>> => triggerAndWait(id, payload, options),

  /** Only inside a run: the same with 1 to 1000 children. Results are in the order of the items. */
  batchTriggerAndWait: <T extends AnyTask = AnyTask>(
    id: TaskIdentifier<T>,
    items: readonly BatchItem<TaskPayload<T>>[],
  ): Promise<BatchResult<TaskIdentifier<T>, TaskOutput<T>>> => batchTriggerAndWait(id, items),

  /** Starts a run and polls it until it has finished. */
  triggerAndPoll: async <T extends AnyTask = AnyTask>(
    id: TaskIdentifier<T>,
    payload: TaskPayload<T>,
    { pollIntervalMs, ...options }: TriggerOptions & PollOptions = {},
  ): Promise<RunOf<T>> => {
    const handle = await trigger(id, payload, options);
    return await runs.poll<T>(
      handle.id as RunReference<T>,
      pollIntervalMs === undefined ? {} : { pollIntervalMs },
    );
  },
} as const;
