/** The `batch` namespace: runs of several tasks, triggered at once. */
import { callPlatform } from "./platform.ts";
import type { RequestOptions } from "./request-options.ts";
import type {
  AnyTask,
  BatchItems,
  BatchOptions,
  BatchResultOf,
  HandleOf,
  TaskIdentifier,
  TaskOutput,
  TaskPayload,
  TaskRunResult,
  WaitOptions,
} from "./task-types.ts";
import { hostFor } from "./trigger.ts";
import { namedItems, triggerItems, waitForItems } from "./trigger-batch.ts";
import type { TriggerOptions } from "./trigger-options.ts";

/** A task that takes nothing needs no payload. */
type PayloadOf<T extends AnyTask> = [TaskPayload<T>] extends [void]
  ? { readonly payload?: TaskPayload<T> }
  : { readonly payload: TaskPayload<T> };

/** For each task of the union `T`: its id, its payload. */
export type BatchByIdItem<T extends AnyTask, TOptions = TriggerOptions> = T extends AnyTask
  ? { readonly id: TaskIdentifier<T>; readonly options?: TOptions } & PayloadOf<T>
  : never;

export type BatchByTaskItem<T extends AnyTask, TOptions = TriggerOptions> = {
  readonly task: T;
  readonly options?: TOptions;
} & PayloadOf<T>;

type BatchOf<TRuns> = {
  readonly batchId: string;
  readonly runCount: number;
  readonly isCached?: boolean;
  readonly publicAccessToken?: string;
  readonly runs: TRuns;
};
type ResultOf<T extends AnyTask> = T extends AnyTask
  ? TaskRunResult<TaskIdentifier<T>, TaskOutput<T>>
  : never;
type HandleOfEach<T extends AnyTask> = T extends AnyTask ? HandleOf<T> : never;

/** A batch as it is shown: which runs it made. Dates are `Date`s. */
export type RetrievedBatch = {
  readonly id: string;
  readonly status: "PENDING" | "PROCESSING" | "COMPLETED" | "PARTIAL_FAILED" | "ABORTED";
  readonly idempotencyKey?: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly runCount: number;
  readonly runs: readonly string[];
  readonly processing: {
    readonly completedAt?: Date;
    /** Items that could not be triggered. */
    readonly errors: readonly {
      readonly index: number;
      readonly taskIdentifier: string;
      readonly error: string;
      readonly errorCode?: string;
    }[];
  };
};

export const batch = {
  /** Starts 1 to 1000 runs of tasks named by their ids: `batch.trigger<typeof a | typeof b>([{ id: "a", … }])`. */
  trigger: async <T extends AnyTask = AnyTask>(
    items: BatchItems<BatchByIdItem<T>>,
    options?: BatchOptions,
    requestOptions?: RequestOptions,
  ): Promise<BatchOf<readonly HandleOfEach<T>[]>> => {
    const triggered = await triggerItems(await byId(items), options, requestOptions);
    return triggered as BatchOf<readonly HandleOfEach<T>[]>;
  },

  /** Only inside a run: the same, and gives the machine back until all have ended. */
  triggerAndWait: async <T extends AnyTask = AnyTask>(
    items: BatchItems<BatchByIdItem<T, WaitOptions>>,
    options?: BatchOptions,
  ): Promise<BatchResultOf<ResultOf<T>>> => {
    const host = hostFor("batch.triggerAndWait");
    const waited = await waitForItems(host, await byId(items), options);
    return waited as BatchResultOf<ResultOf<T>>;
  },

  /** Starts 1 to 1000 runs of tasks; handles have the types of their tasks, in their order. */
  triggerByTask: async <const T extends readonly AnyTask[]>(
    items: { readonly [K in keyof T]: BatchByTaskItem<T[K]> },
    options?: BatchOptions,
    requestOptions?: RequestOptions,
  ): Promise<BatchOf<{ readonly [K in keyof T]: HandleOf<T[K]> }>> => {
    const triggered = await triggerItems(await byTask(items), options, requestOptions);
    return triggered as unknown as BatchOf<{ readonly [K in keyof T]: HandleOf<T[K]> }>;
  },

  /** Only inside a run: the same, and gives the machine back until all have ended. */
  triggerByTaskAndWait: async <const T extends readonly AnyTask[]>(
    items: { readonly [K in keyof T]: BatchByTaskItem<T[K], WaitOptions> },
    options?: BatchOptions,
  ): Promise<{
    readonly id: string;
    readonly runs: { readonly [K in keyof T]: ResultOf<T[K]> };
  }> => {
    const host = hostFor("batch.triggerByTaskAndWait");
    const waited = await waitForItems(host, await byTask(items), options);
    return waited as unknown as { id: string; runs: { readonly [K in keyof T]: ResultOf<T[K]> } };
  },

  /** @throws NotFoundError */
  retrieve: async (batchId: string, requestOptions?: RequestOptions): Promise<RetrievedBatch> => {
    const view = await callPlatform("batches.retrieve", { id: batchId }, requestOptions);
    const { completedAt } = view.processing;
    return {
      ...view,
      createdAt: new Date(view.createdAt),
      updatedAt: new Date(view.updatedAt),
      processing: {
        errors: view.processing.errors,
        ...(completedAt === undefined ? {} : { completedAt: new Date(completedAt) }),
      },
    };
  },
} as const;

type LooseItem = {
  readonly payload?: unknown;
  readonly options?: TriggerOptions;
};

async function byId(items: BatchItems<LooseItem & { readonly id: string }>) {
  return await namedItems(items, ({ id }) => id);
}

async function byTask(items: readonly unknown[]) {
  return await namedItems(
    items as readonly (LooseItem & { readonly task: AnyTask })[],
    ({ task }) => task.id,
  );
}
