/** Whether what was sampled stays where it is. Pure. */
export type Sample = { readonly at: number; readonly value: number };

/** Medians of the quarters of the time, and the most there ever was; NaN where there is no sample. */
export type Course = { readonly quarters: readonly number[]; readonly most: number };

const QUARTERS = [0, 1, 2, 3] as const;

/** @param span what is divided into quarters: of all samples of a soak, so that one's late start is no warming up */
export function courseOf(
  samples: readonly Sample[],
  span: { readonly from: number; readonly to: number },
): Course {
  const quarter = (span.to - span.from) / QUARTERS.length;
  const quarters = QUARTERS.map((n) =>
    median(
      samples
        .filter(({ at }) => at >= span.from + n * quarter && at < span.from + (n + 1) * quarter)
        .map(({ value }) => value),
    ),
  );
  return { quarters, most: Math.max(...samples.map(({ value }) => value)) };
}

/** The first quarter is warming up. A process that is killed begins anew: so the medians of many, not a line through one. */
const GROWTH = 1.2;
/** Less than that is what a file system or a collector of garbage moves. */
const NOISE_MB = 4;

export function isFlat({ quarters: [, second = NaN, , last = NaN] }: Course): boolean {
  return last <= Math.max(GROWTH * second, second + NOISE_MB);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}
