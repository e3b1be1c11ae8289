/** Ctrl-C once: stop in order. Twice: at once. */

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
