/** A run's state carried forward in its log, so that its earlier events may reach the log's maximum age. */
import type { EventData } from "../events/events.ts";
import { metadataOf } from "./metadata.ts";
import { initial, type LiveRun, type RunState } from "./state.ts";

/** The same state, whether it was folded from the whole log or begins here. */
export function carried<R extends LiveRun>(run: R, at: number, seq: number): R {
  return { ...run, lastSeq: seq, carriedAt: at };
}

/** The run begins here. What is no state of this software is none: the fact does not apply. */
export function restored({ at, state }: EventData<"run-carried">, seq: number): RunState {
  return isLive(state) ? carried(completed(state), at, seq) : initial;
}

/** A state that an earlier version carried lacks what that version did not know. */
function completed(state: LiveRun): LiveRun {
  const earlier: Partial<LiveRun> = state;
  return {
    ...state,
    version: earlier.version ?? state.trigger.version ?? null,
    attemptMs: earlier.attemptMs ?? 0,
    tags: earlier.tags ?? state.trigger.tags,
    metadata:
      earlier.metadata === undefined ? metadataOf(state.trigger.metadata) : earlier.metadata,
    waiters: earlier.waiters ?? [],
  };
}

type Carried = EventData<"run-carried">["state"];

function isLive(state: Carried): state is Carried & LiveRun {
  const { trigger, waits } = state;
  return (
    STATUSES.has(state.status) &&
    typeof trigger === "object" &&
    trigger !== null &&
    Array.isArray(waits)
  );
}

const STATUSES: ReadonlySet<string> = new Set<LiveRun["status"]>([
  "delayed",
  "queued",
  "executing",
  "retrying",
  "backoff",
  "waiting",
]);
