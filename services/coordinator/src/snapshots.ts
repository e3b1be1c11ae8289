/**
 * A shard's folded state, stored now and then so that a takeover need not read the whole log.
 *
 * One that is older than half of what the log remembers is not used: how its runs went on may be forgotten before it is
 * read, and they would be executed again. The log alone has everything: runs that live long are carried forward in it.
 */
import { decodeBody, encodeBody, type LiveRun } from "@millrace/proto";
import { retentionInForce, type Blobs, type NatsConnection } from "@millrace/service-kit";
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

export type StoredSnapshot = Snapshot & {
  /** When it was stored. */
  readonly at: number;
};

/** undefined when there is none of this version, or it is too old. */
export async function loadSnapshot(
  nc: NatsConnection,
  blobs: Blobs,
  shard: number,
  nowMs: number,
): Promise<StoredSnapshot | undefined> {
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
  const snapshot = { ...stored, at: stored.at ?? 0 };
  return (await isYoung(nc, snapshot, nowMs)) ? snapshot : undefined;
}

/** Whether nothing that follows it has been forgotten. Not to the day: that must not happen while it is read. */
export async function isYoung(
  nc: NatsConnection,
  { at }: StoredSnapshot,
  nowMs: number,
): Promise<boolean> {
  return nowMs - at < (await retentionInForce(nc)) / 2;
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
