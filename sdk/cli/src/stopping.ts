/** Millrace cannot run; the message is the whole story. */
export class StartError extends Error {
  override readonly name = "StartError";
}

/** The user asked to stop. */
export class StoppedError extends Error {
  override readonly name = "StoppedError";
}

/** The promise's result, or the signal's reason as an error, whichever comes first. */
export async function orStopped<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stopped = (): void => undefined;
  const stop = new Promise<never>((_, reject) => {
    stopped = () => reject(signal.reason as Error);
    signal.addEventListener("abort", stopped, { once: true });
  });
  try {
    return await Promise.race([promise, stop]);
  } finally {
    signal.removeEventListener("abort", stopped);
  }
}
