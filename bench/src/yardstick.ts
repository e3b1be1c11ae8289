/** What the broker itself does here and now: everything else is stated as a ratio to it. */
import { Publisher, type NatsConnection } from "@millrace/nats";

export type Yardstick = {
  /** Y: pipelined JetStream publishes of 200 bytes a second, the median of several rounds. */
  readonly publishesPerSecond: number;
  /** R: the round trip of a single one, the median, milliseconds. */
  readonly roundTripMs: number;
};

const ROUNDS = 5;
const MESSAGES = 20_000;
const SINGLES = 500;

/** Publishes into the telemetry stream, which nothing reads. */
export async function measureYardstick(nc: NatsConnection): Promise<Yardstick> {
  const publisher = new Publisher(nc);
  const body = new Uint8Array(200);
  const publish = (): Promise<unknown> => publisher.publish("otel.bench.yardstick", body);
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now();
    const all: Promise<unknown>[] = [];
    for (let i = 0; i < MESSAGES; i++) all.push(publish());
    await Promise.all(all);
    rates.push((MESSAGES / (performance.now() - startedAt)) * 1000);
  }
  const trips: number[] = [];
  for (let i = 0; i < SINGLES; i++) {
    const startedAt = performance.now();
    await publish();
    trips.push(performance.now() - startedAt);
  }
  return { publishesPerSecond: median(rates), roundTripMs: median(trips) };
}

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The nearest-rank percentile. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)] ?? Number.NaN;
}
