/** How this process is told to stop. Ctrl-C once: in order. Twice: at once. */

const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * npm passes on a Ctrl-C that the terminal has sent to everybody already, so one key stroke arrives twice. What comes
 * sooner than anybody presses again is the same one.
 */
const SAME_STROKE_MS = 300;

/** The part of `process` that is used here. */
export type SignalSource = {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
};

/** Listens until the process ends. */
export function onStopSignals(
  source: SignalSource,
  now: () => number,
  first: () => void,
  again: () => void,
): void {
  let firstAt: number | undefined;
  const heard = (): void => {
    if (firstAt === undefined) {
      firstAt = now();
      first();
    } else if (now() - firstAt >= SAME_STROKE_MS) again();
  };
  for (const signal of STOP_SIGNALS) source.on(signal, heard);
}

const LOOK_FOR_PARENT_MS = 500;

/**
 * Calls `gone` when the process that started this one has ended. npm starts scripts through a shell, and a signal to
 * npm ends that shell and goes no further.
 */
export function onParentGone(parentPid: () => number, gone: () => void): void {
  const parent = parentPid();
  const timer = setInterval(() => {
    if (parentPid() === parent) return;
    clearInterval(timer);
    gone();
  }, LOOK_FOR_PARENT_MS);
  timer.unref();
}
