/**
 * Looking whenever something may have changed: core subscriptions say that a message is on its way to a stream, a look
 * finds out what has arrived there. Nothing polls, and no consumer is made.
 */
import { onReconnect, type NatsConnection } from "./connect.ts";

/** A message reaches subscribers before it is stored: one looks again a moment later, too. */
const DELAYS_MS = [5, 100, 1000];
const RETRY_MS = 1000;

/**
 * Calls `look` now, and after everything that is published on the subjects, one call at a time, until `stop`. A look that
 * fails is told to `onError` and repeated.
 * @throws what the first look throws; then nothing is looked after
 */
export async function lookAfter(
  nc: NatsConnection,
  subjects: readonly string[],
  look: () => Promise<void>,
  onError: (error: unknown) => void,
): Promise<{ stop(): void }> {
  let stopped = false;
  let isDirty = false;
  let looking: Promise<void> | undefined;

  const drain = async (): Promise<void> => {
    while (isDirty && !stopped) {
      isDirty = false;
      await look();
    }
  };
  const poke = async (): Promise<void> => {
    isDirty = true;
    looking ??= drain().finally(() => {
      looking = undefined;
    });
    await looking;
  };
  const tell = (error: unknown): void => {
    if (stopped) return;
    onError(error);
    setTimeout(() => void poke().catch(tell), RETRY_MS);
  };
  const timers = DELAYS_MS.map((ms) => new Coalesced(ms, () => void poke().catch(tell)));
  const nudge = (): void => {
    for (const timer of timers) timer.start();
  };
  const subscriptions = subjects.map((subject) => nc.subscribe(subject, { callback: nudge }));
  const forget = onReconnect(nc, nudge);
  const stop = (): void => {
    stopped = true;
    forget();
    for (const subscription of subscriptions) subscription.unsubscribe();
  };
  try {
    await nc.flush();
    await poke();
  } catch (error) {
    stop();
    throw error;
  }
  return { stop };
}

/** Fires this long after the last start, or a little more: however many starts there are, one timer runs. */
class Coalesced {
  readonly #ms: number;
  readonly #fire: () => void;
  #isRunning = false;
  #startedAgain = false;

  constructor(ms: number, fire: () => void) {
    this.#ms = ms;
    this.#fire = fire;
  }

  start(): void {
    if (this.#isRunning) {
      this.#startedAgain = true;
      return;
    }
    this.#isRunning = true;
    setTimeout(() => {
      this.#isRunning = false;
      this.#fire();
      if (!this.#startedAgain) return;
      this.#startedAgain = false;
      this.start();
    }, this.#ms);
  }
}
