/**
 * Keeps payloads nobody will ask a leader for out of its memory and its snapshots: large ones, which agents read from the
 * log, and those of runs that wait, which have been handed out.
 */
import { INLINE_PAYLOAD_MAX, type LiveRun, type Packet } from "@millrace/proto";

/** Stands for a payload that is in the log. */
const LEFT_IN_LOG: Packet = { type: "millrace/left-in-log" };

export function lean<R extends LiveRun>(run: R): R {
  const { payload } = run.trigger;
  if (payload.data === undefined) return run;
  if (payload.data.length <= INLINE_PAYLOAD_MAX && run.status !== "waiting") return run;
  return { ...run, trigger: { ...run.trigger, payload: LEFT_IN_LOG } };
}

/** Whether the payload is small and at hand. */
export function hasPayload({ trigger: { payload } }: LiveRun): boolean {
  return (payload.data?.length ?? 0) <= INLINE_PAYLOAD_MAX && payload.type !== LEFT_IN_LOG.type;
}
