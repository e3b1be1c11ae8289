/** How long a fault stopped the work, by the log. Pure. */
export type Span = { readonly from: number; readonly to: number };

/** A run as its client saw it: sent for the first time, and ended; undefined where the log has no end. */
export type Served = { readonly sentAt: number; readonly endedAt: number | undefined };

export type Progress = {
  /** The longest time without the end of a run that touches the span. */
  readonly longestGapMs: number;
  /** The longest that one of `served` took which was sent in the span; undefined when there was none. */
  readonly slowestMs: number | undefined;
};

/**
 * @param work what gaps are looked for in; they also lie between its borders and the first and last end
 * @param ends of all runs
 */
export function progressIn(
  span: Span,
  work: Span,
  ends: readonly number[],
  served: readonly Served[],
): Progress {
  const moments = [work.from, ...ends.toSorted((a, b) => a - b), work.to];
  let longestGapMs = 0;
  for (const [index, to] of moments.entries()) {
    const from = moments[index - 1] ?? to;
    if (to > span.from && from < span.to) longestGapMs = Math.max(longestGapMs, to - from);
  }
  let slowestMs: number | undefined;
  for (const { sentAt, endedAt } of served)
    if (sentAt >= span.from && sentAt < span.to && endedAt !== undefined)
      slowestMs = Math.max(slowestMs ?? 0, endedAt - sentAt);
  return { longestGapMs, slowestMs };
}
