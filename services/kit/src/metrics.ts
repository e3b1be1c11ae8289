/**
 * A process's figures in Prometheus' text format, served on the health port as `/metrics`.
 *
 * Gauges are read when somebody asks for them: what nobody scrapes costs nothing. Counters and histograms cost an
 * addition where they are fed. `docs/metrics.md` lists all of them.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** How often the event loop's delay is sampled, for figures that are not served: seldom, to let the process sleep. */
const LOOP_SAMPLE_MS = 1000;

export type Labels<L extends string> = Readonly<Record<L, string>>;

export type CounterFeed<L extends string> = { inc(labels: Labels<L>): void };
export type HistogramFeed<L extends string> = {
  observe(labels: Labels<L>, value: number): void;
};

/** What a histogram of durations distinguishes, in seconds: from a hop of the broker to a minute. */
export const SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
] as const;

export class Metrics {
  readonly #registry = new Registry();

  /** The process's own: CPU, memory, descriptors, event loop and garbage collection. */
  observeProcess(): void {
    collectDefaultMetrics({
      register: this.#registry,
      eventLoopMonitoringPrecision: LOOP_SAMPLE_MS,
    });
    // They count the interval of the samples as delay. `nodejs_eventloop_lag_seconds` does not.
    for (const figure of ["min", "max", "mean", "stddev", "p50", "p90", "p99"])
      this.#registry.removeSingleMetric(`nodejs_eventloop_lag_${figure}_seconds`);
  }

  /** @param read calls `set` for every combination of labels there is now */
  gauge<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    read: (set: (labels: Labels<L>, value: number) => void) => void,
  ): void {
    const gauge = new Gauge<L>({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect: () => {
        gauge.reset();
        read((labels, value) => gauge.set(labels, value));
      },
    });
  }

  counter<L extends string>(name: string, help: string, labelNames: readonly L[]): CounterFeed<L> {
    const counter = new Counter<L>({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
    });
    return { inc: (labels) => counter.inc(labels) };
  }

  /** @param buckets upper bounds, rising */
  histogram<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: readonly number[] = SECONDS,
  ): HistogramFeed<L> {
    const histogram = new Histogram<L>({
      name,
      help,
      labelNames: [...labelNames],
      buckets: [...buckets],
      registers: [this.#registry],
    });
    return { observe: (labels, value) => histogram.observe(labels, value) };
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    return await this.#registry.metrics();
  }
}
