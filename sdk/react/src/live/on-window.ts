/** The browser around, where there is one: on a server nothing is followed, and nothing of it is there. */

type Target = Pick<EventTarget, "addEventListener" | "removeEventListener">;

/** Calls back when the browser has a network again, or its window is looked at, until what it returns is called. */
export function onWindow(event: "online" | "focus", listener: () => void): () => void {
  const target = (globalThis as { readonly window?: Target }).window;
  target?.addEventListener(event, listener);
  return () => target?.removeEventListener(event, listener);
}
