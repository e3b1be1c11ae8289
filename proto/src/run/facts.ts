/** What may be said about a run whatever it is doing, also after its end: tags, metadata, who waits for it. */
import type { RunEventOf } from "../events/events.ts";
import { applyMetadata } from "./metadata.ts";
import type { LiveRun, Waiter } from "./state.ts";
import { touch } from "./steps.ts";

/** Tags that are there already change nothing. */
export function tagged<R extends LiveRun>(run: R, { data, seq }: RunEventOf<"tags-added">): R {
  if (data.tags.every((tag) => run.tags.includes(tag))) return run;
  return { ...run, ...touch(data.at, seq), tags: [...new Set([...run.tags, ...data.tags])] };
}

/** The only fact that counts as often as it is stated: an increment stated twice is two. */
export function metadataUpdated<R extends LiveRun>(
  run: R,
  { data, seq }: RunEventOf<"metadata-updated">,
): R {
  const before = run.metadata ?? {};
  const metadata = applyMetadata(before, data.operations);
  if (metadata === before) return run;
  return { ...run, ...touch(data.at, seq), metadata };
}

/** The parent that triggered the run is told of its end in any case. */
export function awaited<R extends LiveRun>(run: R, { data, seq }: RunEventOf<"run-awaited">): R {
  const { at, parentRunId, waitIndex, childIndex } = data;
  const waiter = { parentRunId, waitIndex, childIndex };
  if (isWaiter(run, waiter)) return run;
  return { ...run, ...touch(at, seq), waiters: [...run.waiters, waiter] };
}

/** Whether it is told of the run's end: it triggered the run, or has asked to be told. */
export function isWaiter(
  { trigger: { parent }, waiters }: LiveRun,
  { parentRunId, waitIndex, childIndex }: Waiter,
): boolean {
  const isParent =
    parent?.runId === parentRunId &&
    parent.waitIndex === waitIndex &&
    parent.childIndex === childIndex;
  return (
    isParent ||
    waiters.some(
      (waiter) =>
        waiter.parentRunId === parentRunId &&
        waiter.waitIndex === waitIndex &&
        waiter.childIndex === childIndex,
    )
  );
}
