/** A hook in a component of its own, in a DOM without a browser. Requests stay Node's own. */
import { Window } from "happy-dom";
import { act, createElement, StrictMode, type ReactNode } from "react";
import type { Root } from "react-dom/client";
import { TriggerAuthContext, type TriggerAuth } from "../src/index.ts";

const window = new Window();
/** The window that the hooks see. */
export const page = window;
const { document, navigator } = window;
Object.assign(globalThis, { window, document, WebSocket: window.WebSocket });
// Newer Nodes have one of their own, which is not to be assigned.
Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
// It looks for a DOM when it is loaded.
const { createRoot } = await import("react-dom/client");

export type Rendered<T> = {
  /** What the hook gave last. */
  readonly now: () => T;
  readonly all: readonly T[];
  readonly change: (code: () => void) => Promise<void>;
  readonly unmount: () => Promise<void>;
};

const mounted = new Set<Root>();

/** @param isStrict as React does in development: every component is mounted, unmounted and mounted again */
export async function renderHook<T>(
  hook: () => T,
  auth?: TriggerAuth,
  isStrict = false,
): Promise<Rendered<T>> {
  const all: T[] = [];
  const Component = (): ReactNode => {
    all.push(hook());
    return null;
  };
  const root = createRoot(document.createElement("div") as unknown as Element);
  mounted.add(root);
  const element = createElement(Component);
  const tree = createElement(TriggerAuthContext.Provider, { value: auth }, element);
  await acting(() => root.render(isStrict ? createElement(StrictMode, null, tree) : tree));
  return {
    now: () => all.at(-1) as T,
    all,
    change: acting,
    unmount: async () => {
      mounted.delete(root);
      await acting(() => root.unmount());
    },
  };
}

/** Only while the test itself acts: answers of the gateway come when they come. */
async function acting(code: () => void): Promise<void> {
  const environment = globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean };
  environment.IS_REACT_ACT_ENVIRONMENT = true;
  try {
    await act(async () => code());
  } finally {
    environment.IS_REACT_ACT_ENVIRONMENT = false;
  }
}

/** Lets time pass until a condition holds. */
export async function waitUntil(what: string, holds: () => boolean, ms = 20_000): Promise<void> {
  const until = Date.now() + ms;
  while (!holds()) {
    if (Date.now() > until) throw new Error(`Not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function unmountAll(): Promise<void> {
  await acting(() => {
    for (const root of mounted) root.unmount();
  });
  mounted.clear();
}
