/** Which runs somebody follows together: all with some tags, or of a batch. */
import type { LiveRun } from "@millrace/proto";

/** All of the tags, and the batch, where they are given. Times are epoch milliseconds. */
export type Selector = {
  readonly tags: readonly string[];
  readonly batchId?: string | undefined;
  readonly createdAfter: number;
};

/** What of a run is selected by. */
export type Selectable = {
  readonly at: number;
  readonly batchId: string | undefined;
  readonly tags: readonly string[];
};

export function selectableOf({ trigger, tags }: LiveRun): Selectable {
  return { at: trigger.at, batchId: trigger.batchId, tags };
}

export function isSelected(
  { at, batchId, tags }: Selectable,
  { tags: wanted, batchId: wantedBatch, createdAfter }: Selector,
): boolean {
  return (
    at >= createdAfter &&
    (wantedBatch === undefined || batchId === wantedBatch) &&
    wanted.every((tag) => tags.includes(tag))
  );
}

/** Under which name those who follow a selection are found. */
export function keyOf(env: string, { tags, batchId }: Selector): string {
  return batchId === undefined ? `${env}\ntag ${tags[0]}` : `${env}\nbatch ${batchId}`;
}

/** The names under which those who follow this run may be found. */
export function* keysOf(env: string, { batchId, tags }: Selectable): Iterable<string> {
  if (batchId !== undefined) yield `${env}\nbatch ${batchId}`;
  for (const tag of tags) yield `${env}\ntag ${tag}`;
}
