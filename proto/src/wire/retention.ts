/**
 * How long what is known of a run is kept: one setting of the installation, from which the ages of everything that
 * follows the event log come. What is in force is `max_age` of `RUNS` in the broker.
 */
import {
  OBJECT_BUCKETS,
  OUTPUT,
  RUNS,
  STREAMS,
  TELEMETRY,
  type BucketDefinition,
  type StreamDefinition,
} from "./streams.ts";

/** 30 days. */
export const DEFAULT_RETENTION_MS = RUNS.max_age / 1e6;

/**
 * Two minutes: within this time a trigger that is sent again is recognised, and a run that lives longer is carried
 * forward in the log at half of it.
 */
export const MINIMUM_RETENTION_MS = RUNS.duplicate_window / 1e6;

/** What belongs to runs but has an age of its own is not kept longer than their log. */
const AT_MOST_AS_LONG = new Set([OUTPUT.name, TELEMETRY.name]);

export function streamsKeeping(retentionMs: number): StreamDefinition[] {
  const age = retentionMs * 1e6;
  return STREAMS.map((stream) => {
    if (stream.name === RUNS.name) return { ...stream, max_age: age };
    if (!AT_MOST_AS_LONG.has(stream.name)) return stream;
    return { ...stream, max_age: Math.min(stream.max_age, age) };
  });
}

export function bucketKeeping(bucket: BucketDefinition, retentionMs: number): BucketDefinition {
  return bucket.keptAsRuns ? { ...bucket, ttlMs: retentionMs } : bucket;
}

/**
 * Payloads outlive the log twice: a run may be repeated, with the payload it had, as long as its log is there, and the
 * repetition has a log of its own.
 */
export function payloadsKeeping(
  retentionMs: number,
): typeof OBJECT_BUCKETS.payloads & { readonly ttlMs: number } {
  return { ...OBJECT_BUCKETS.payloads, ttlMs: 2 * retentionMs };
}
