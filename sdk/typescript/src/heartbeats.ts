/** The `heartbeats` namespace: for code that computes for long without waiting for anything. */
import { setImmediate as turn } from "node:timers/promises";

/** Without a turn of the event loop for this long, the process seems dead to those who wait for its word. */
const MAX_SILENCE_MS = 1000;

let lastAt: number | undefined;

export const heartbeats = {
  /** Lets the event loop take a turn when it has not for a second. Call it in loops that take long. */
  yield: async (): Promise<void> => {
    const now = Date.now();
    if (lastAt !== undefined && now - lastAt < MAX_SILENCE_MS) return;
    await turn();
    lastAt = Date.now();
  },

  /** When `yield` last gave way; undefined when it never did. */
  getLastHeartbeat: (): Date | undefined => (lastAt === undefined ? undefined : new Date(lastAt)),
} as const;
