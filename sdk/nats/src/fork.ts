/** Where a fork goes on from: a run as it was at a place in its log, and what its code had been answered by then. */
import { randomBytes } from "node:crypto";
import {
  encodeBody,
  fold,
  isRunId,
  LIMITS,
  makeRunId,
  noSuchRun,
  refuse,
  RUN_ID_RANDOM_BYTES,
  shardOfRun,
  waitsToFork,
  type EventData,
  type LiveRun,
  type Refusal,
} from "@millrace/proto";
import type { RunLogReader } from "./run-log.ts";

export type Fork = NonNullable<EventData<"run-triggered">["fork"]>;

/** @param seq up to this sequence the run's log counts */
export async function forkOf(
  reader: RunLogReader,
  env: string,
  runId: string,
  seq: number,
): Promise<{ readonly ok: true; readonly run: LiveRun; readonly fork: Fork } | Refusal> {
  const events = isRunId(runId) ? await reader.read(env, runId) : [];
  if (events.length === 0) return noSuchRun(runId);
  const run = fold(events.filter((event) => event.seq <= seq));
  if (run.status === "absent")
    return refuse("BAD_REQUEST", `Run ${runId} was not there yet at ${seq}`);
  const nowMs = Date.now();
  // A child lives in its queue's shard, which its id names.
  const waits = waitsToFork(run, (childId) =>
    makeRunId(shardOfRun(childId), nowMs, randomBytes(RUN_ID_RANDOM_BYTES)),
  );
  const bytes = encodeBody(waits).length;
  if (bytes > LIMITS.forkBytes)
    return refuse(
      "PAYLOAD_TOO_LARGE",
      `What ${runId} had been answered by then has ${bytes} bytes: a fork takes ${LIMITS.forkBytes}`,
    );
  return { ok: true, run, fork: { runId, seq, waits } };
}
