/** What the log says about limits, afterwards. */
import { evolve, initial, type RunEvent, type RunState } from "@millrace/proto";

export type Peak = { readonly slots: number; readonly executing: number };

/** By concurrency key (`""`: none): the most runs of the queue that held a slot, or executed, at the same time. */
export function peaksByKey(events: readonly RunEvent[], queue: string): Map<string, Peak> {
  const states = new Map<string, RunState>();
  const peaks = new Map<string, Peak>();
  const now = new Map<string, { slots: number; executing: number }>();
  const count = (run: RunState, by: 1 | -1): void => {
    if (run.status === "absent" || run.trigger.queue !== queue) return;
    const key = run.trigger.concurrencyKey ?? "";
    const counts = now.get(key) ?? { slots: 0, executing: 0 };
    now.set(key, counts);
    if ("slot" in run && run.slot !== null) counts.slots += by;
    if (run.status === "executing" || run.status === "retrying") counts.executing += by;
    const peak = peaks.get(key) ?? { slots: 0, executing: 0 };
    peaks.set(key, {
      slots: Math.max(peak.slots, counts.slots),
      executing: Math.max(peak.executing, counts.executing),
    });
  };
  for (const event of events) {
    const before = states.get(event.runId) ?? initial;
    const after = evolve(before, event);
    states.set(event.runId, after);
    count(before, -1);
    count(after, 1);
  }
  return peaks;
}

/** When the queue's rated slots were granted, in the order of the log; of one key, or of all. */
export function ratedStarts(events: readonly RunEvent[], queue: string, key?: string): number[] {
  return events.flatMap((event) =>
    event.type === "slot-granted" &&
    event.data.queue === queue &&
    event.data.rated === true &&
    (key === undefined || event.data.key === key)
      ? [event.data.at]
      : [],
  );
}

/** The shortest time in which more than `limit` of these starts lie. */
export function shortestExcess(ats: readonly number[], limit: number): number {
  const gaps = ats.slice(limit).map((at, i) => at - (ats[i] ?? 0));
  return Math.min(Infinity, ...gaps);
}
