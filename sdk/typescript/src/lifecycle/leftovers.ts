/** What is still to be done when an attempt's code is over: work it left behind, metadata that is not written yet. */
import type { RunScope } from "../host.ts";
import { flushMetadata } from "../metadata-buffer.ts";
import { pendingWork } from "../wait-until.ts";

/** Undefined when there is nothing: the end need not wait. Never rejects. */
export function leftovers(scope: RunScope): Promise<void> | undefined {
  const work = pendingWork(scope);
  if (!work) return flushMetadata(scope);
  // The work may still change metadata.
  return work.then(() => flushMetadata(scope));
}
