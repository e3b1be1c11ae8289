/**
 * A shard's folded state, stored now and then so that a takeover need not read the whole log.
 *
 * One that is older than half of what the log remembers is not used: how its runs went on may be forgotten before it is
 * read, and they would be executed again. The log alone has everything: runs that live long are carried forward in it.
 */
import { decodeBody, encodeBody, RUNS, type LiveRun } from "@millrace/proto";
import type { Blobs, NatsConnection } from "@millrace/service-kit";
import type { StoredQueueStarts } from "./rated-starts.ts";

/** Raised whenever the fold's state changes shape or meaning: an older snapshot is then not used. */
const FOLD_VERSION = 4;

export type Snapshot = {
  /** Everything up to this sequence is in `runs`. */
  readonly seq: number;
  /** Runs that are not finished, or have obligations that were not performed yet. */
  readonly runs: readonly LiveRun[];
  /** What rate limits are checked against. */
  readonly starts: readonly StoredQueueStarts[];
};

type StreamInfo = {
  readonly config?: { readonly max_age: number };
  readonly error?: { readonly description: string };
};

/** undefined when there is none of this version, or it is too old. */
export async function loadSnapshot(
  nc: NatsConnection,
  blobs: Blobs,
  shard: number,
  nowMs: number,
): Promise<Snapshot | undefined> {
  const bytes = await blobs.get(nameOf(shard));
  if (!bytes) return undefined;
  let stored: Snapshot & { readonly at?: number; readonly version: number };
  try {
    stored = decodeBody(bytes) as typeof stored;
  } catch {
    return undefined;
  }
  if (stored.version !== FOLD_VERSION) return undefined;
  // A snapshot of before there were such times is as old as it may be.
  const { at = 0 } = stored;
  // Not to the day: what follows it must not be forgotten while it is read.
  return nowMs - at < (await logAgeMs(nc)) / 2 ? stored : undefined;
}

/** How far back the log reaches. @throws when the broker does not say */
async function logAgeMs(nc: NatsConnection): Promise<number> {
  const answer = await nc.request(`$JS.API.STREAM.INFO.${RUNS.name}`);
  const { config, error } = answer.json<StreamInfo>();
  if (!config) throw new Error(`Asking how old the log is failed: ${error?.description}`);
  return config.max_age === 0 ? Number.POSITIVE_INFINITY : config.max_age / 1e6;
}

export async function storeSnapshot(
  blobs: Blobs,
  shard: number,
  nowMs: number,
  snapshot: Snapshot,
): Promise<void> {
  await blobs.put(nameOf(shard), encodeBody({ version: FOLD_VERSION, at: nowMs, ...snapshot }));
}

function nameOf(shard: number): string {
  return `shard-${shard.toString(16)}`;
}
