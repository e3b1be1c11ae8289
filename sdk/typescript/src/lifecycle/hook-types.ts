/**
 * Hooks as their authors write them: one function of one object. The older forms with two or three parameters are
 * understood, too (see `hooks.ts`): that is why first parameters also have the payload's fields.
 */
import type { RetrySettings } from "@millrace/proto";
import type { TaskContext, WaitInfo } from "../host.ts";
import type { Untyped } from "../untyped.ts";

type Common<TPayload> = {
  readonly payload: TPayload;
  readonly ctx: TaskContext;
  /** The task's id. */
  readonly task: string;
  /** Aborted when the run is cancelled or takes too long. */
  readonly signal: AbortSignal;
};

type Initialised<TPayload, TInit> = Common<TPayload> & {
  /** What the `init` hooks returned, merged; undefined before they have. */
  readonly init: TInit;
};

export type TaskInitHookParams<TPayload = unknown> = Common<TPayload>;

export type TaskStartHookParams<TPayload = unknown, TInit = unknown> = Initialised<TPayload, TInit>;

export type TaskStartAttemptHookParams<TPayload = unknown> = Common<TPayload> & {
  readonly init: unknown;
};

export type TaskSuccessHookParams<
  TPayload = unknown,
  TOutput = unknown,
  TInit = unknown,
> = Initialised<TPayload, TInit> & { readonly output: TOutput };

export type TaskFailureHookParams<TPayload = unknown, TInit = unknown> = Initialised<
  TPayload,
  TInit
> & { readonly error: Untyped };

export type TaskCompleteResult<TOutput> =
  | { readonly ok: true; readonly data: TOutput }
  | { readonly ok: false; readonly error: Untyped };

export type TaskCompleteHookParams<
  TPayload = unknown,
  TOutput = unknown,
  TInit = unknown,
> = Initialised<TPayload, TInit> & { readonly result: TaskCompleteResult<TOutput> };

export type TaskWaitHookParams<TPayload = unknown, TInit = unknown> = Initialised<
  TPayload,
  TInit
> & { readonly wait: WaitInfo };

export type TaskResumeHookParams<TPayload = unknown, TInit = unknown> = TaskWaitHookParams<
  TPayload,
  TInit
>;

export type TaskCancelHookParams<
  TPayload = unknown,
  TOutput = unknown,
  TInit = unknown,
> = Initialised<TPayload, TInit> & {
  /** Settles as the task's code does: code that listens to its signal can still give its result. */
  readonly runPromise: Promise<TOutput>;
};

export type TaskCleanupHookParams<TPayload = unknown, TInit = unknown> = Initialised<
  TPayload,
  TInit
>;

export type TaskMiddlewareHookParams<TPayload = unknown> = Common<TPayload> & {
  /** To be called once, and waited for: everything inside, the task's code among it. */
  readonly next: () => Promise<void>;
};

export type TaskCatchErrorHookParams<TPayload = unknown, TInit = unknown> = Initialised<
  TPayload,
  TInit
> & {
  readonly error: Untyped;
  /** The settings that count for the task. */
  readonly retry?: RetrySettings | undefined;
  /** Milliseconds until the next attempt, and when it is, if no hook decides; undefined when there is none. */
  readonly retryDelayInMs?: number | undefined;
  readonly retryAt?: Date | undefined;
};

/** A decision about an attempt that failed; returning nothing leaves it to the settings. */
export type CatchErrorResult = {
  /** The failure is final. */
  readonly skipRetrying?: boolean;
  readonly retryAt?: Date;
  readonly retryDelayInMs?: number;
  /** Settings to use in place of the task's. */
  readonly retry?: RetrySettings;
  /** The run fails with this error instead. */
  readonly error?: unknown;
};

type Fields<TPayload, TKnown> = TPayload extends unknown ? Omit<TPayload, keyof TKnown> : never;

/** One parameter; or two, the payload first. */
type Either<TPayload, TParams, TResult> = (
  params: TParams & Fields<TPayload, TParams>,
  older: TParams,
) => TResult;

/** One parameter; or three, payload and `TSecond` first. */
type EitherOfThree<TPayload, TSecond, TParams> = (
  params: TParams & Fields<TPayload, TParams>,
  second: TSecond,
  older: TParams,
) => unknown;

type MaybePromise<T> = T | Promise<T>;

/** What a task and all tasks may have hooks for. */
export type LifecycleHooks<TPayload = Untyped, TOutput = Untyped, TInit = Untyped> = {
  /** Before every attempt; what it returns is `init` for everything after it. Middleware and `locals` are newer. */
  readonly init?: Either<TPayload, TaskInitHookParams<TPayload>, MaybePromise<TInit>> | undefined;
  /** After every attempt. */
  readonly cleanup?: Either<TPayload, TaskCleanupHookParams<TPayload, TInit>, unknown> | undefined;
  /** Around every attempt. */
  readonly middleware?: Either<TPayload, TaskMiddlewareHookParams<TPayload>, unknown> | undefined;
  /** Before the first attempt. */
  readonly onStart?: Either<TPayload, TaskStartHookParams<TPayload, TInit>, unknown> | undefined;
  /** Before every attempt. */
  readonly onStartAttempt?: ((params: TaskStartAttemptHookParams<TPayload>) => unknown) | undefined;
  readonly onSuccess?:
    | EitherOfThree<TPayload, TOutput, TaskSuccessHookParams<TPayload, TOutput, TInit>>
    | undefined;
  /** When the run has failed for good. */
  readonly onFailure?:
    | EitherOfThree<TPayload, Untyped, TaskFailureHookParams<TPayload, TInit>>
    | undefined;
  /** After `onSuccess` or `onFailure`. */
  readonly onComplete?:
    | EitherOfThree<
        TPayload,
        TaskCompleteResult<TOutput>,
        TaskCompleteHookParams<TPayload, TOutput, TInit>
      >
    | undefined;
  /** When the run is cancelled while its code executes; it has ten seconds. */
  readonly onCancel?:
    | ((params: TaskCancelHookParams<TPayload, TOutput, TInit>) => unknown)
    | undefined;
  /** Before and after every durable wait. */
  readonly onWait?: ((params: TaskWaitHookParams<TPayload, TInit>) => unknown) | undefined;
  readonly onResume?: ((params: TaskResumeHookParams<TPayload, TInit>) => unknown) | undefined;
  /** When an attempt has failed: whether, when and with what error the run goes on. */
  readonly catchError?: CatchErrorHook<TPayload, TInit> | undefined;
  /** The older name of `catchError`; also `(error, params)` and `(payload, error, params)`. */
  readonly handleError?: HandleErrorHook<TPayload, TInit> | undefined;
};

type CatchErrorHook<TPayload, TInit> = (
  params: TaskCatchErrorHookParams<TPayload, TInit>,
) => MaybePromise<CatchErrorResult | undefined | void>;

type HandleErrorHook<TPayload, TInit> = (
  params: Untyped,
  second: Untyped,
  older: TaskCatchErrorHookParams<TPayload, TInit>,
) => MaybePromise<CatchErrorResult | undefined | void>;
