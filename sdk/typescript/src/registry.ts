/** What a process has defined: tasks, queues, hooks for all tasks and the configuration, each in its order. */
import {
  RETRY_DEFAULTS,
  type Isolation,
  type LogRecord,
  type Preset,
  type RateLimit,
  type RetrySettings,
} from "@millrace/proto";
import type { TaskContext } from "./host.ts";
import type { Hook, HookName, Hooks } from "./lifecycle/hooks.ts";

/** What `run` gets besides the payload. */
export type RunParams<TInit = undefined> = {
  readonly ctx: TaskContext;
  /** Aborted when the run is cancelled or takes too long. */
  readonly signal: AbortSignal;
  /** What the `init` hooks returned, merged. */
  readonly init: TInit;
};

/** A task as its definition left it: what an agent needs to register and execute it. */
export type DefinedTask = {
  readonly id: string;
  readonly description?: string;
  readonly queue?: { readonly name?: string; readonly concurrencyLimit?: number | null };
  /** A preset's name. */
  readonly machine?: string;
  readonly isolation: Isolation;
  /** The task's own settings; see `effectiveRetry`. */
  readonly retry?: RetrySettings;
  readonly maxDuration?: number;
  readonly ttl?: string | number;
  /** What the payload must be, as JSON Schema. */
  readonly jsonSchema?: unknown;
  /** It was defined with `schedules.task()`. */
  readonly triggerSource?: "schedule";
  /** When it runs by itself; where, by the types of environments or their names. */
  readonly schedule?: {
    readonly cron: string;
    readonly timezone: string;
    readonly window?: string;
    readonly environments?: readonly string[];
    readonly catchUp?: number;
  };
  /** Absent when the task has none. */
  readonly hooks?: Hooks;
  /**
   * The payload as `run` takes it; throws or rejects when it is not what the task's schema says.
   */
  readonly parse?: (payload: unknown) => unknown;
  readonly run: (payload: unknown, params: RunParams<unknown>) => unknown;
  /** The object `task()` returned: how exports are matched with definitions. */
  readonly handle: object;
};

export type DefinedQueue = {
  readonly name: string;
  readonly concurrencyLimit: number | null;
  readonly rateLimit?: RateLimit;
};

/** What `defineConfig()` says about all tasks and their processes. What a task says itself counts before it. */
export type DefinedConfig = {
  readonly project?: string;
  /** Folders of task files, relative to the configuration's. */
  readonly dirs?: readonly string[];
  readonly ignorePatterns?: readonly string[];
  readonly retries?: { readonly enabledInDev?: boolean; readonly default?: RetrySettings };
  readonly machine?: Preset;
  /** Seconds. */
  readonly maxDuration?: number;
  readonly ttl?: string | number;
  /** The least severe level that `logger` keeps. Default: all. */
  readonly logLevel?: LogRecord["level"] | "none";
  /** The fields it has that change nothing here. */
  readonly withoutEffect: readonly string[];
  /** Everything else, as it was written, for those whose business it is. */
  readonly written: Readonly<Record<string, unknown>>;
};

/** Shared by all copies of this module in the process: the agent's, and those bundled by users. */
const KEY = Symbol.for("millrace.definitions.v2");
type Definitions = {
  readonly tasks: DefinedTask[];
  readonly queues: DefinedQueue[];
  readonly hooks: { [Name in HookName]?: Hook[] };
  config?: DefinedConfig;
};
const globals = globalThis as { [KEY]?: Definitions };
const definitions: Definitions = (globals[KEY] ??= { tasks: [], queues: [], hooks: {} });

export function defineTaskRecord(task: DefinedTask): void {
  definitions.tasks.push(task);
}

export function defineQueueRecord(queue: DefinedQueue): void {
  definitions.queues.push(queue);
}

/** Adds a hook for all tasks, after those that are there. */
export function defineGlobalHook(name: HookName, hook: Hook): void {
  (definitions.hooks[name] ??= []).push(hook);
}

/** The last one counts. */
export function setConfig(config: DefinedConfig): void {
  definitions.config = config;
}

/** Everything defined so far in this process. */
export function definedTasks(): readonly DefinedTask[] {
  return definitions.tasks;
}

export function definedQueues(): readonly DefinedQueue[] {
  return definitions.queues;
}

export function definedHooks(): Hooks {
  return definitions.hooks;
}

/** What `defineConfig()` was told; undefined when it was not called. */
export function definedConfig(): DefinedConfig | undefined {
  return definitions.config;
}

/**
 * The retry settings that count for a task: its own, else the configuration's, each completed with v4's defaults;
 * undefined when neither has any: the first failure is final.
 */
export function effectiveRetry(task: Pick<DefinedTask, "retry">): RetrySettings | undefined {
  const retry = task.retry ?? definitions.config?.retries?.default;
  return retry && { ...RETRY_DEFAULTS, ...retry };
}
