/** Lifecycle hooks as the lifecycle calls them: each takes one object, whatever form its author wrote it in. */
import type { TaskContext, WaitInfo } from "../host.ts";

export const HOOK_NAMES = [
  "init",
  "cleanup",
  "middleware",
  "onStart",
  "onStartAttempt",
  "onSuccess",
  "onFailure",
  "onComplete",
  "onCancel",
  "onWait",
  "onResume",
  "catchError",
] as const;
export type HookName = (typeof HOOK_NAMES)[number];

/** Everything a hook may be told; which hook gets what is `hook-types.ts`'s business. */
export type HookCall = {
  readonly payload: unknown;
  readonly ctx: TaskContext;
  readonly task: string;
  readonly signal: AbortSignal;
  readonly init?: unknown;
  readonly output?: unknown;
  readonly error?: unknown;
  readonly result?: unknown;
  readonly wait?: WaitInfo;
  readonly next?: () => Promise<void>;
  readonly runPromise?: Promise<unknown>;
  readonly retry?: unknown;
  readonly retryDelayInMs?: number | undefined;
  readonly retryAt?: Date | undefined;
};

export type Hook = (call: HookCall) => unknown;

/** The hooks of one task, or those of all of them, in the order in which they were registered. */
export type Hooks = { readonly [Name in HookName]?: readonly Hook[] };

type AnyFunction = (...args: readonly unknown[]) => unknown;

/** Arguments of the older, positional forms. */
const POSITIONAL: {
  readonly [Name in HookName]?: (call: HookCall, count: number) => readonly unknown[];
} = {
  init: (call) => [call.payload, call],
  cleanup: (call) => [call.payload, call],
  middleware: (call) => [call.payload, call],
  onStart: (call) => [call.payload, call],
  onSuccess: (call) => [call.payload, call.output, call],
  onFailure: (call) => [call.payload, call.error, call],
  onComplete: (call) => [call.payload, call.result, call],
  catchError: (call, count) =>
    count === 2 ? [call.error, call] : [call.payload, call.error, call],
};

/** A function that names two parameters or more was written for the older form; its author is understood. */
export function hookOf(name: HookName, written: AnyFunction): Hook {
  const positional = POSITIONAL[name];
  if (!positional || written.length < 2) return written as Hook;
  return (call) => written(...positional(call, written.length));
}
