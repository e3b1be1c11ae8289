/**
 * What the SDK talks to. Outside a run a `Transport` (HTTP or NATS, chosen by configuration); inside a run the
 * `RunHost` that the run's process provides, which can also wait durably. Same calls, same results.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { ChildResult, LogRecord, RunView, TriggerBody } from "@millrace/proto";

export type TriggerCall = { readonly taskId: string; readonly body: TriggerBody };

export type Handle = { readonly id: string; readonly publicAccessToken?: string };

export type TriggeredBatch = { readonly batchId: string; readonly runIds: readonly string[] };

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
  ): Promise<{ stop(): void }>;
  close(): Promise<void>;
}

/** The run's process. Waits are durable: their answers come from the run's log, also after the process was lost. */
export interface RunHost extends Omit<Transport, "close"> {
  /** Triggers children and waits for all of them. Results in the order of the calls. */
  triggerAndWait(calls: readonly TriggerCall[], isBatch: boolean): Promise<readonly ChildResult[]>;
  /** Gives the slot back and goes on at this time (epoch milliseconds). */
  waitUntil(atMs: number): Promise<void>;
  /**
   * Whether the code is being run again and its next durable call, according to the log, was a wait until exactly
   * this time. A date that was worth a durable wait then may be past now; it must be asked for again all the same, or
   * the calls after it are answered with each other's results. Absent: never.
   */
  hasWaitedUntil?(atMs: number): boolean;
  log(record: Omit<LogRecord, "attempt">): void;
}

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
};

/** What belongs to one run while its code executes; found through asynchronous context. */
export type RunScope = {
  readonly ctx: TaskContext;
  readonly host: RunHost;
  readonly signal: AbortSignal;
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
