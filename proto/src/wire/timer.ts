/** A timer as it is armed: a message schedule of the broker, and the body it delivers when due. */
import { z } from "zod";
import { MAX_TIMESTAMP, timestamp } from "../events/values.ts";

export const timerBodySchema = z.object({
  dueAt: timestamp,
  /** The run's admission it was armed in: a later wait may end at the same time. Absent in what earlier versions armed. */
  admission: z.number().int().nonnegative().optional(),
});

/**
 * Headers of a message schedule that fires once, at `dueAt`, into `target`. The broker's clock is never early. A time
 * after the year 9999 has no date it understands, and is taken for that year's end.
 */
export function scheduleHeaders(dueAt: number, target: string): Record<string, string> {
  return {
    "Nats-Schedule": `@at ${new Date(Math.min(dueAt, MAX_TIMESTAMP)).toISOString()}`,
    "Nats-Schedule-Target": target,
  };
}

/**
 * Names one firing of one timer for the log's duplicate window: whoever fires it, and however often, the log has it
 * once. A run that waits again for what has timed out already (a token, in its next attempt) arms a timer of the same name
 * for the same time: that one is another, and its admission tells.
 */
export function firingId(runId: string, name: string, dueAt: number, admission = 0): string {
  return `${runId}:${name}:${dueAt}:${admission}`;
}
