/** Tasks as their callers see them: what goes in, what comes out, and how the two travel through types. */
import type { TriggerOptions } from "./trigger-options.ts";

export interface Task<TId extends string, TPayload, TOutput> {
  readonly id: TId;
  /** Starts a run and does not wait for it. */
  trigger(payload: TPayload, options?: TriggerOptions): Promise<RunHandle<TId, TPayload, TOutput>>;
  /** Starts 1 to 1000 runs and does not wait for them. */
  batchTrigger(items: readonly BatchItem<TPayload>[]): Promise<BatchHandle<TId, TPayload, TOutput>>;
  /** Only inside a run: starts a child and gives the machine back until it has ended. */
  triggerAndWait(payload: TPayload, options?: TriggerOptions): TaskRunPromise<TId, TOutput>;
  /** Only inside a run: the same with 1 to 1000 children. Results are in the order of the items. */
  batchTriggerAndWait(items: readonly BatchItem<TPayload>[]): Promise<BatchResult<TId, TOutput>>;
}

export type AnyTask = Task<string, unknown, unknown>;

export type TaskIdentifier<T extends AnyTask> = T["id"];
export type TaskPayload<T extends AnyTask> =
  T extends Task<string, infer TPayload, unknown> ? TPayload : never;
export type TaskOutput<T extends AnyTask> =
  T extends Task<string, infer _, infer TOutput> ? TOutput : never;

export type BatchItem<TPayload> = {
  readonly payload: TPayload;
  readonly options?: TriggerOptions;
};

declare const TYPES: unique symbol;

/** Names a run; for the compiler it also says what went in and what comes out. */
export type RunHandle<TId extends string, TPayload, TOutput> = {
  readonly id: string;
  readonly taskIdentifier: TId;
  readonly publicAccessToken?: string;
  readonly [TYPES]?: { readonly payload: TPayload; readonly output: TOutput };
};

export type HandleOf<T extends AnyTask> = RunHandle<
  TaskIdentifier<T>,
  TaskPayload<T>,
  TaskOutput<T>
>;

export type BatchHandle<TId extends string, TPayload, TOutput> = {
  readonly batchId: string;
  readonly runCount: number;
  readonly runs: readonly RunHandle<TId, TPayload, TOutput>[];
};

/** How a child run ended. `error` is what its code threw, as an `Error` where it threw one. */
export type TaskRunResult<TId extends string, TOutput> =
  | {
      readonly ok: true;
      readonly id: string;
      readonly taskIdentifier: TId;
      readonly output: TOutput;
    }
  | {
      readonly ok: false;
      readonly id: string;
      readonly taskIdentifier: TId;
      readonly error: unknown;
    };

export type BatchResult<TId extends string, TOutput> = {
  readonly runs: readonly TaskRunResult<TId, TOutput>[];
};

export type TaskRunPromise<TId extends string, TOutput> = Promise<TaskRunResult<TId, TOutput>> & {
  /**
   * The output alone.
   * @throws SubtaskUnwrapError when the child did not succeed
   */
  unwrap(): Promise<TOutput>;
};
