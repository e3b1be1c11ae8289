/** Hooks for all tasks: `tasks.onSuccess(…)` and the like, called when a task file or `init.ts` is imported. */
import type { LifecycleHooks } from "./lifecycle/hook-types.ts";
import { hookOf, type HookName } from "./lifecycle/hooks.ts";
import { defineGlobalHook } from "./registry.ts";

type Written<Name extends keyof LifecycleHooks> = NonNullable<LifecycleHooks[Name]>;

/** v4 takes a name before the function; it says nothing to anybody but its reader. */
type Register<Name extends keyof LifecycleHooks> = {
  (hook: Written<Name>): void;
  (name: string, hook: Written<Name>): void;
};

function registers<Name extends keyof LifecycleHooks>(name: Name): Register<Name> {
  const meant: HookName = name === "handleError" ? "catchError" : (name as HookName);
  return (first: string | Written<Name>, second?: Written<Name>): void => {
    const hook = typeof first === "string" ? second : first;
    if (typeof hook !== "function")
      throw new Error(`tasks.${name}() takes a function, or a name and a function`);
    defineGlobalHook(meant, hookOf(meant, hook as (...args: readonly unknown[]) => unknown));
  };
}

/** Each adds one hook for all tasks, after those registered before it; see `LifecycleHooks` for when it is called. */
export const globalHooks = {
  init: registers("init"),
  cleanup: registers("cleanup"),
  middleware: registers("middleware"),
  onStart: registers("onStart"),
  onStartAttempt: registers("onStartAttempt"),
  onSuccess: registers("onSuccess"),
  onFailure: registers("onFailure"),
  onComplete: registers("onComplete"),
  onCancel: registers("onCancel"),
  onWait: registers("onWait"),
  onResume: registers("onResume"),
  catchError: registers("catchError"),
  /** The older name of `catchError`. */
  handleError: registers("handleError"),
} as const;
