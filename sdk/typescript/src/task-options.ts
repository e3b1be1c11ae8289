/** What a task's definition may say, and what is wrong with one that cannot be used. */
import {
  isolationSchema,
  parseDuration,
  PRESETS,
  retrySettingsSchema,
  taskIdProblem,
  type Isolation,
  type RetrySettings,
} from "@millrace/proto";
import { isHookName } from "./lifecycle/define-hooks.ts";
import type { LifecycleHooks } from "./lifecycle/hook-types.ts";
import { presetOf, type MachineOption } from "./machine.ts";
import { queueProblem, type Queue } from "./queue.ts";
import type { RunParams } from "./registry.ts";
import type { Untyped } from "./untyped.ts";

/** Everything but the hooks and the code. */
export type TaskSettings<TId extends string> = {
  /** Unique; at most 128 characters. */
  readonly id: TId;
  readonly description?: string | undefined;
  /** A queue's name, `queue()`, or the limit of the task's own queue. Default: its own queue, without a limit. */
  readonly queue?:
    | string
    | Queue
    | { readonly name?: string; readonly concurrencyLimit?: number | null }
    | undefined;
  /** Default: the configuration's, else `small-1x`. */
  readonly machine?: MachineOption | undefined;
  /** Default: the configuration's. Without any the first failure is final. */
  readonly retry?: RetrySettings | undefined;
  /** Seconds of active time an attempt may take; less than 5 counts as 5. */
  readonly maxDuration?: number | undefined;
  /** A run expires when it has not started this long after it was queued: seconds, or a duration such as `10m`. */
  readonly ttl?: string | number | undefined;
  /** What the payload must be, as JSON Schema: for those who trigger the task by hand. Checks nothing itself. */
  readonly jsonSchema?: unknown;
  /** `shared` runs many light runs in one process. Default `process`: one run at a time in a process of its own. */
  readonly isolation?: Isolation | undefined;
};

/** `TRun` is the type of the function itself; whoever writes the type down leaves it out. */
export type TaskOptions<
  TId extends string,
  TPayload,
  TOutput,
  TInit = Untyped,
  TRun = unknown,
> = TaskSettings<TId> &
  LifecycleHooks<TPayload, TOutput, TInit> & {
    readonly run: TRun & RunFunction<TPayload, TOutput, TInit>;
  };

export type RunFunction<TPayload, TOutput, TInit> = (
  payload: TPayload,
  params: RunParams<TInit>,
) => TOutput | Promise<TOutput>;

/** A definition, whatever its types. */
export type AnyTaskOptions = TaskSettings<string> & {
  readonly run: (payload: never, params: never) => unknown;
};

type Checks = {
  readonly [Name in keyof AnyTaskOptions]-?: (
    value: NonNullable<AnyTaskOptions[Name]>,
  ) => string | undefined;
};

const strictRetry = retrySettingsSchema.strict();

/** One check an option: an option without one does not compile, and an option that is not here is refused. */
const CHECKS: Checks = {
  id: (id) => (typeof id === "string" ? taskIdProblem(id) : "id must be a text"),
  description: () => undefined,
  queue: (queue) => queueProblem(typeof queue === "string" ? { name: queue } : queue),
  machine: machineProblem,
  retry: retryProblem,
  maxDuration: (seconds) =>
    Number.isInteger(seconds) && seconds > 0
      ? undefined
      : `maxDuration is a whole number of seconds, not ${seconds}`,
  ttl: ttlProblem,
  jsonSchema: () => undefined,
  isolation: (isolation) =>
    isolationSchema.safeParse(isolation).success
      ? undefined
      : `isolation is ${isolationSchema.options.map((name) => `"${name}"`).join(" or ")}, not ${JSON.stringify(isolation)}`,
  run: (run) => (typeof run === "function" ? undefined : "run must be a function"),
};

/**
 * What is wrong with a definition; undefined when it can be used. An option this version does not have is wrong rather
 * than ignored.
 */
export function taskProblem(options: AnyTaskOptions): string | undefined {
  if (options.id === undefined) return "a task needs an id";
  if (options.run === undefined) return "run must be a function";
  for (const [name, value] of Object.entries(options)) {
    const problem = value === undefined ? undefined : optionProblem(name, value);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function optionProblem(name: string, value: unknown): string | undefined {
  if (isHookName(name))
    return typeof value === "function" ? undefined : `${name} must be a function`;
  if (!isOption(name)) return `option "${name}" is not supported by this version`;
  const check = CHECKS[name] as (value: unknown) => string | undefined;
  return check(value);
}

function isOption(name: string): name is keyof AnyTaskOptions {
  return Object.hasOwn(CHECKS, name);
}

export function machineProblem(machine: MachineOption): string | undefined {
  return presetOf(machine) === undefined
    ? `no machine is ${JSON.stringify(machine)}; the presets are ${PRESETS.join(", ")}`
    : undefined;
}

export function retryProblem(retry: RetrySettings): string | undefined {
  const [issue] = strictRetry.safeParse(retry).error?.issues ?? [];
  return issue && `${["retry", ...issue.path].join(".")}: ${issue.message}`;
}

export function ttlProblem(ttl: string | number): string | undefined {
  const isUsable =
    typeof ttl === "number"
      ? Number.isInteger(ttl) && ttl >= 0
      : typeof ttl === "string" && parseDuration(ttl) !== undefined;
  return isUsable
    ? undefined
    : `ttl is a number of seconds or a duration such as "10m", not ${JSON.stringify(ttl)}`;
}
