/** Tasks as their callers see them: what goes in, what comes out, and how the two travel through types. */
import type { RequestOptions } from "./request-options.ts";
import type { IdempotencyKeyOption } from "./idempotency-keys.ts";
import type { TriggerOptions } from "./trigger-options.ts";

export interface Task<TId extends string, TPayload, TOutput> {
  readonly id: TId;
  /** Starts a run and does not wait for it. */
  trigger(
    payload: TPayload,
    options?: TriggerOptions,
    requestOptions?: RequestOptions,
  ): Promise<RunHandle<TId, TPayload, TOutput>>;
  /** Starts 1 to 1000 runs and does not wait for them. Of items one of which is unusable none is started. */
  batchTrigger(
    items: BatchItems<BatchItem<TPayload>>,
    options?: BatchOptions,
    requestOptions?: RequestOptions,
  ): Promise<BatchHandle<TId, TPayload, TOutput>>;
  /** Only inside a run: starts a child and gives the machine back until it has ended. */
  triggerAndWait(payload: TPayload, options?: WaitOptions): TaskRunPromise<TId, TOutput>;
  /**
   * Starts a run and follows it until it has ended, without giving the machine back: several may go on side by side.
   * Its output is what JSON makes of it.
   */
  triggerAndSubscribe(payload: TPayload, options?: SubscribeOptions): TaskRunPromise<TId, TOutput>;
  /** Only inside a run: the same with 1 to 1000 children. Results are in the order of the items. */
  batchTriggerAndWait(
    items: BatchItems<BatchItem<TPayload, WaitOptions>>,
    options?: BatchOptions,
  ): Promise<BatchResult<TId, TOutput>>;
}

/** Options of a child whose parent waits: it runs in its parent's version. */
export type WaitOptions = Omit<TriggerOptions, "version">;

export type SubscribeOptions = WaitOptions & {
  /** Ends the following, and rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Whether the signal cancels the run, too. Default true. */
  readonly cancelOnAbort?: boolean;
};

export type BatchOptions = {
  /** Each item without a key of its own has this one, with its index. */
  readonly idempotencyKey?: IdempotencyKeyOption;
  readonly idempotencyKeyTTL?: string;
  /** Items are queued in their order with and without it. */
  readonly triggerSequentially?: boolean;
};

export type BatchItems<TItem> = readonly TItem[] | AsyncIterable<TItem>;

export type AnyTask = Task<string, unknown, unknown>;

export type TaskIdentifier<T extends AnyTask> = T["id"];
export type TaskPayload<T extends AnyTask> =
  T extends Task<string, infer TPayload, unknown> ? TPayload : never;
export type TaskOutput<T extends AnyTask> =
  T extends Task<string, infer _, infer TOutput> ? TOutput : never;

export type BatchItem<TPayload, TOptions = TriggerOptions> = {
  readonly payload: TPayload;
  readonly options?: TOptions;
};

declare const TYPES: unique symbol;

/** Names a run; for the compiler it also says what went in and what comes out. */
export type RunHandle<TId extends string, TPayload, TOutput> = {
  readonly id: string;
  readonly taskIdentifier: TId;
  /** An idempotency key stood for this run already. */
  readonly isCached?: boolean;
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
  readonly isCached?: boolean;
  readonly publicAccessToken?: string;
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

export type BatchResult<TId extends string, TOutput> = BatchResultOf<TaskRunResult<TId, TOutput>>;

/** Walking through it (an older spelling) is walking through its runs. */
export type BatchResultOf<TResult> = Iterable<TResult> & {
  /** The batch's id. */
  readonly id: string;
  readonly runs: readonly TResult[];
};

export type TaskRunPromise<TId extends string, TOutput> = Promise<TaskRunResult<TId, TOutput>> & {
  /**
   * The output alone.
   * @throws SubtaskUnwrapError when the child did not succeed
   */
  unwrap(): Promise<TOutput>;
};
