/** From hooks as they were written to hooks as the lifecycle calls them. */
import { HOOK_NAMES, hookOf, type Hook, type HookName, type Hooks } from "./hooks.ts";
import type { LifecycleHooks } from "./hook-types.ts";

type WrittenName = keyof LifecycleHooks;

/** `handleError` is the older name of `catchError`. */
const WRITTEN_NAMES: readonly WrittenName[] = [...HOOK_NAMES, "handleError"];

export function isHookName(name: string): name is WrittenName {
  return (WRITTEN_NAMES as readonly string[]).includes(name);
}

/** Undefined when there are none. */
export function hooksOf(written: Readonly<Record<string, unknown>>): Hooks | undefined {
  const hooks: { [Name in HookName]?: readonly Hook[] } = {};
  for (const name of WRITTEN_NAMES) {
    const hook = written[name];
    if (typeof hook !== "function") continue;
    const meant = name === "handleError" ? "catchError" : name;
    hooks[meant] = [
      ...(hooks[meant] ?? []),
      hookOf(meant, hook as (...args: unknown[]) => unknown),
    ];
  }
  return Object.keys(hooks).length === 0 ? undefined : hooks;
}
