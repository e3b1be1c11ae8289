/**
 * How many runs were in their code at once, as the tasks themselves saw it.
 *
 * An attempt occupies its place from its mark "begin" to its mark "end". Code that was killed, or that went on while its
 * agent was frozen or cut off, has no end in time: it counts until the log says that the attempt was lost, given back or
 * cancelled, which is when its slot is free for another (SPEC.md, invariants 4, 5 and 9). Nothing else is allowed for.
 */
import type { RunEvent } from "@millrace/proto";
import type { Mark } from "../marks.ts";

export type Stay = { readonly runId: string; readonly from: number; readonly to: number };

const GONE = new Set(["attempt-lost", "attempt-released", "attempt-canceled", "attempt-failed"]);

/** Each time a run's code was executed. */
export function staysOf(marks: readonly Mark[], events: readonly RunEvent[]): Stay[] {
  const stays: Stay[] = [];
  for (const [index, mark] of marks.entries()) {
    if (mark.edge !== "begin") continue;
    const later = marks
      .slice(index + 1)
      .find(({ runId, attempt }) => runId === mark.runId && attempt === mark.attempt);
    const end = later?.edge === "end" ? later.at : Number.POSITIVE_INFINITY;
    const gone = events.find((event) => isGone(event, mark));
    const to = Math.min(end, gone?.data.at ?? Number.POSITIVE_INFINITY);
    stays.push({ runId: mark.runId, from: mark.at, to });
  }
  return stays;
}

function isGone({ type, runId, data }: RunEvent, mark: Mark): boolean {
  if (runId !== mark.runId || !GONE.has(type) || !("attempt" in data)) return false;
  return data.attempt === mark.attempt && data.at >= mark.at;
}

/** The most stays at one moment. */
export function mostAtOnce(stays: readonly Stay[]): number {
  let most = 0;
  while (excess(stays, most)) most++;
  return most;
}

/** The first moment at which more than `limit` stays overlap; undefined when there is none. */
export function excess(stays: readonly Stay[], limit: number): readonly Stay[] | undefined {
  const present: Stay[] = [];
  for (const stay of stays.toSorted((a, b) => a.from - b.from)) {
    for (let i = present.length - 1; i >= 0; i--)
      // The clock has milliseconds: what ends in the millisecond in which another begins may have been before it.
      if ((present[i]?.to ?? 0) <= stay.from) present.splice(i, 1);
    present.push(stay);
    if (present.length > limit) return present;
  }
  return undefined;
}
