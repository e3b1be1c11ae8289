/** Whether what was sampled stays where it is. Pure. */
export type Sample = { readonly at: number; readonly value: number };

export type Trend = {
  /** Of the second half: what comes before is warming up. */
  readonly mean: number;
  /** By the line of least squares, from the beginning of the second half to its end. */
  readonly growth: number;
};

/** undefined for fewer samples than a line needs. */
export function trendOf(samples: readonly Sample[]): Trend | undefined {
  const half = samples.slice(Math.floor(samples.length / 2));
  const first = half[0];
  const last = half.at(-1);
  if (half.length < 3 || !first || !last) return undefined;
  const average = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const at = average(half.map((sample) => sample.at));
  const mean = average(half.map((sample) => sample.value));
  let above = 0;
  let below = 0;
  for (const sample of half) {
    above += (sample.at - at) * (sample.value - mean);
    below += (sample.at - at) ** 2;
  }
  return { mean, growth: (above / below) * (last.at - first.at) };
}

/** A tenth of what it is, and what a collector of garbage may move: less than that is flat. */
const SHARE = 0.1;

export function isFlat({ mean, growth }: Trend, allowed: number): boolean {
  return growth <= Math.max(allowed, SHARE * mean);
}
