/**
 * What the SDK talks to. Outside a run a `Transport` (HTTP or NATS, chosen by configuration); inside a run the
 * `RunHost` that the run's process provides, which can also wait durably. Same calls, same results.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type {
  CallInput,
  CallName,
  CallOutput,
  ChildResult,
  LogRecord,
  RunView,
  TokenResult,
  TriggerBody,
} from "@millrace/proto";

export type TriggerCall = { readonly taskId: string; readonly body: TriggerBody };

/** `isCached`: an idempotency key stood for this run already. */
export type Handle = {
  readonly id: string;
  readonly isCached?: boolean;
  readonly publicAccessToken?: string;
};

export type TriggeredBatch = {
  readonly batchId: string;
  readonly runIds: readonly string[];
  readonly isCached?: boolean;
  readonly publicAccessToken?: string;
};

/** Several runs followed at once: those with all of the tags, or those of a batch. */
export type RunsSelector =
  | { readonly tags: readonly string[]; /** Epoch milliseconds. */ readonly createdAfter?: number }
  | { readonly batchId: string };

/** One value of a realtime stream. `index` counts from 0, from the stream's beginning. */
export type StreamChunk = { readonly index: number; readonly data: string };

export type StreamReader = {
  readonly onChunk: (chunk: StreamChunk) => void;
  /** The writer has closed the stream, or the run has ended and everything was read. */
  readonly onEnd: () => void;
  readonly onError: (error: Error) => void;
};

export type Subscription = { stop(): void };

export interface Transport {
  /** @throws ApiError when the trigger is refused or the platform cannot be reached */
  trigger(call: TriggerCall): Promise<Handle>;
  /**
   * Triggers runs that belong together. `runIds` are in the order of the calls.
   * @throws ApiError naming the first item that was refused; over HTTP other items may have been triggered
   */
  batchTrigger(calls: readonly TriggerCall[]): Promise<TriggeredBatch>;
  /** @throws ApiError (404) */
  retrieve(runId: string): Promise<RunView>;
  cancel(runId: string): Promise<void>;
  /** Calls `onView` with the run now and after every change until stopped. */
  subscribe(
    runId: string,
    onView: (view: RunView) => void,
    onError: (error: Error) => void,
  ): Promise<Subscription>;
  /** The same with several runs: each now, and whichever changes or joins. */
  subscribeToRuns(
    selector: RunsSelector,
    onView: (view: RunView) => void,
    onError: (error: Error) => void,
  ): Promise<Subscription>;
  /** Reads a run's stream from `startIndex` on (default 0), early chunks first, until it ends or is stopped. */
  readStream(
    runId: string,
    key: string,
    startIndex: number,
    reader: StreamReader,
  ): Promise<Subscription>;
  /** Everything else: see `CALLS` of `@millrace/proto`. @throws ApiError */
  call<C extends CallName>(name: C, input: CallInput<C>): Promise<CallOutput<C>>;
  close(): Promise<void>;
}

/** The run's process. Waits are durable: their answers come from the run's log, also after the process was lost. */
export interface RunHost extends Omit<Transport, "close"> {
  /** Triggers children and waits for all of them. Results in the order of the calls. */
  triggerAndWait(calls: readonly TriggerCall[], isBatch: boolean): Promise<readonly ChildResult[]>;
  /** The batch these results, just as `triggerAndWait` gave them, are of. Absent: it has to be asked for. */
  batchIdOf?(results: readonly ChildResult[]): string | undefined;
  /** Gives the slot back and goes on at this time (epoch milliseconds). */
  waitUntil(atMs: number): Promise<void>;
  /** Gives the slot back until the token is completed or times out. @throws ApiError (404) */
  waitForToken(tokenId: string): Promise<TokenResult>;
  /**
   * Whether the code is being run again and its next durable call, according to the log, was a wait until exactly
   * this time. A date that was worth a durable wait then may be past now; it must be asked for again all the same, or
   * the calls after it are answered with each other's results. Absent: never.
   */
  hasWaitedUntil?(atMs: number): boolean;
  log(record: Omit<LogRecord, "attempt">): void;
  /** Milliseconds the code has been active, waits left out: in this attempt, and in all of them. */
  activeMs(): { readonly attempt: number; readonly total: number };
}

/** A durable wait, as `onWait` and `onResume` are told of it. */
export type WaitInfo =
  | { readonly type: "task"; readonly runId: string }
  | { readonly type: "batch"; readonly batchId: string; readonly runCount: number }
  | { readonly type: "duration"; readonly date: Date }
  | { readonly type: "token"; readonly token: string };

/** v4's `ctx`, as far as a run's log knows it. Dates are `Date`s. */
export type TaskContext = {
  readonly attempt: { readonly number: number; readonly startedAt: Date };
  readonly run: {
    readonly id: string;
    readonly tags: readonly string[];
    readonly isTest: boolean;
    readonly isReplay: boolean;
    readonly createdAt: Date;
    readonly startedAt: Date;
    readonly idempotencyKey?: string;
    readonly idempotencyKeyScope?: string;
    readonly version?: string;
    readonly baseCostInCents?: number;
    readonly maxAttempts?: number;
    readonly maxDuration?: number;
    readonly priority?: number;
    readonly parentTaskRunId?: string;
    readonly rootTaskRunId?: string;
    readonly region?: string;
  };
  readonly task: { readonly id: string; readonly filePath: string };
  readonly queue: { readonly id: string; readonly name: string };
  readonly environment: {
    readonly id: string;
    readonly slug: string;
    readonly type: "PRODUCTION" | "STAGING" | "DEVELOPMENT" | "PREVIEW";
  };
  readonly organization: { readonly id: string; readonly slug: string; readonly name: string };
  readonly project: {
    readonly id: string;
    readonly ref: string;
    readonly slug: string;
    readonly name: string;
  };
  readonly machine: {
    readonly name: string;
    /** The older spelling of `name`. */
    readonly preset: string;
    readonly cpu: number;
    readonly memory: number;
    readonly centsPerMs: number;
  };
  readonly batch?: { readonly id: string };
  readonly deployment?: {
    readonly id: string;
    readonly shortCode: string;
    readonly version: string;
    readonly runtime: string;
    readonly runtimeVersion: string;
  };
};

/** What belongs to one run while its code executes; found through asynchronous context. */
export type RunScope = {
  readonly ctx: TaskContext;
  readonly host: RunHost;
  readonly signal: AbortSignal;
  /** What SDK modules keep for this attempt (locals, buffered metadata, promises to wait for), each under its own key. */
  readonly storage: Map<unknown, unknown>;
};

/**
 * One store a process, even when two copies of this module are loaded (the agent's and one bundled by a user).
 */
const KEY = Symbol.for("millrace.run-scope.v1");
const globals = globalThis as { [KEY]?: AsyncLocalStorage<RunScope> };
const scopes = (globals[KEY] ??= new AsyncLocalStorage<RunScope>());

/** The run whose code is executing; undefined outside a run. */
export function currentRun(): RunScope | undefined {
  return scopes.getStore();
}

/** Executes `code` as the code of this run. */
export function runInScope<T>(scope: RunScope, code: () => T): T {
  return scopes.run(scope, code);
}
