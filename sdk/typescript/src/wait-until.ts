/** `waitUntil()`: work an attempt began and does not wait for, but is not over without. */
import { currentRun, type RunScope } from "./host.ts";

const KEY = Symbol.for("millrace.wait-until.v1");

/** How long an attempt that is over waits for what it was told to wait for. */
const MAX_MS = 60_000;

/**
 * The attempt ends when this has settled, at the latest a minute after everything else. How it settles makes no
 * difference. Outside a run nothing waits for it.
 */
export function waitUntil(promise: PromiseLike<unknown>): void {
  const run = currentRun();
  const settled = Promise.resolve(promise).then(
    () => undefined,
    () => undefined,
  );
  if (!run) return;
  const pending = run.storage.get(KEY) as Set<Promise<void>> | undefined;
  if (pending) pending.add(settled);
  else run.storage.set(KEY, new Set([settled]));
}

/** Undefined when there is nothing to wait for. */
export function pendingWork(scope: RunScope): Promise<void> | undefined {
  const pending = scope.storage.get(KEY) as Set<Promise<void>> | undefined;
  return pending && settle(pending);
}

/** Work may add to the work. */
async function settle(pending: Set<Promise<void>>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let isLate = false;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      isLate = true;
      resolve();
    }, MAX_MS);
  });
  while (pending.size > 0 && !isLate) {
    const all = [...pending];
    await Promise.race([Promise.all(all), late]);
    for (const each of all) pending.delete(each);
  }
  clearTimeout(timer);
}
