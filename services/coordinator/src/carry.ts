/**
 * Carries long-lived runs forward: the log has a maximum age, and a run may wait longer than that.
 *
 * A run whose last full record is older than half of that age gets its folded state appended, on the condition that
 * nothing was added to its log meanwhile; one that is busy just then is carried the next time.
 */
import { encodeEvent, fold, runSubject, runSubjects, type LiveRun } from "@millrace/proto";
import type { Publisher, RunLogReader } from "@millrace/service-kit";

/** Whether the run's beginning is so old that it must be carried in a log that keeps so long. */
export function mustBeCarried(run: LiveRun, nowMs: number, retentionMs: number): boolean {
  const age = nowMs - (run.carriedAt ?? run.trigger.at);
  return run.status !== "finished" && age > retentionMs / 2;
}

/** Whether the state was stored; false when the log went on meanwhile. */
export async function carry(
  publisher: Publisher,
  reader: Pick<RunLogReader, "log">,
  env: string,
  runId: string,
  nowMs: number,
): Promise<boolean> {
  // Of any message: one that is no fact is in the log all the same.
  const { events, lastSeq } = await reader.log(env, runId);
  const state = fold(events);
  if (state.status === "absent" || state.status === "finished") return false;
  const published = await publisher.publish(
    runSubject(env, runId, "coordinator"),
    encodeEvent("run-carried", { at: nowMs, state: { ...state } }),
    { type: "run-carried", expectLastSeq: lastSeq, expectOn: runSubjects(env, runId) },
  );
  return published.kind === "stored";
}
