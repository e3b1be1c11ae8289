/** A shard's folded state, stored now and then so that a takeover need not read the whole log. */
import { decodeBody, encodeBody, type LiveRun } from "@millrace/proto";
import type { Blobs } from "@millrace/service-kit";
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

/** undefined when there is none of this version: the log has everything. */
export async function loadSnapshot(blobs: Blobs, shard: number): Promise<Snapshot | undefined> {
  const bytes = await blobs.get(nameOf(shard));
  if (!bytes) return undefined;
  let stored: Snapshot & { readonly version: number };
  try {
    stored = decodeBody(bytes) as typeof stored;
  } catch {
    return undefined;
  }
  return stored.version === FOLD_VERSION ? stored : undefined;
}

export async function storeSnapshot(
  blobs: Blobs,
  shard: number,
  snapshot: Snapshot,
): Promise<void> {
  await blobs.put(nameOf(shard), encodeBody({ version: FOLD_VERSION, ...snapshot }));
}

function nameOf(shard: number): string {
  return `shard-${shard.toString(16)}`;
}
