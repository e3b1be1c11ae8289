/** Middleware: functions around an attempt, each inside the one before, and all of them around the body. */
import type { Hook, HookCall } from "./hooks.ts";

/**
 * Executes `body` inside all of the middleware. The body runs exactly once, and has ended when this resolves, also when
 * a middleware did not wait for it.
 * @throws what a middleware threw; Error when one returned without having called `next()`
 */
export async function inMiddleware(
  chain: readonly Hook[],
  call: HookCall,
  body: () => Promise<void>,
): Promise<void> {
  const [layer, ...rest] = chain;
  if (!layer) return await body();
  let inner: Promise<void> | undefined;
  const next = (): Promise<void> => {
    if (inner) throw new Error("A middleware called next() twice");
    inner = inMiddleware(rest, call, body);
    // Whoever does not wait for it is not to end the process by that.
    inner.catch(() => undefined);
    return inner;
  };
  try {
    await layer({ ...call, next });
  } finally {
    await inner?.catch(() => undefined);
  }
  if (!inner) throw new Error("A middleware returned without calling next(): the task was not run");
  await inner;
}
