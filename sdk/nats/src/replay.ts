/** A run's trigger, once more. */
import type { EventData, LiveRun, Packet, TaskRecord } from "@millrace/proto";

/** What a replay has otherwise than the run it repeats. */
export type ReplayChanges = {
  readonly payload?: Packet | undefined;
  /** The pool its agents are in. */
  readonly region?: string | undefined;
  readonly bulkActionId?: string | undefined;
  /** What the new run's id is made of: doing it twice with the same makes one run. */
  readonly identity?: { readonly atMs: number; readonly random: Uint8Array } | undefined;
};

/**
 * The first event of a run that repeats another, as the task is now: neither its keys nor its delay, parent, batch and
 * schedule are repeated, and it goes to any version of the tasks. Tags are those the run has by now; metadata is what it
 * was triggered with.
 */
export function replayOf(
  run: LiveRun,
  task: TaskRecord,
  changes: ReplayChanges,
  nowMs: number,
): EventData<"run-triggered"> {
  const { trigger } = run;
  const { metadata, ttlMs, maxAttempts, maxDurationSec, concurrencyKey } = trigger;
  const { bulkActionId } = changes;
  return {
    at: nowMs,
    env: trigger.env,
    taskId: trigger.taskId,
    queue: trigger.queue,
    payload: changes.payload ?? trigger.payload,
    tags: [...run.tags],
    machine: trigger.machine,
    isolation: task.isolation,
    pool: changes.region ?? trigger.pool,
    priorityMs: trigger.priorityMs,
    depth: 0,
    isTest: trigger.isTest,
    replayOf: run.id,
    ...(metadata === undefined ? {} : { metadata }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
    ...(maxDurationSec === undefined ? {} : { maxDurationSec }),
    ...(concurrencyKey === undefined ? {} : { concurrencyKey }),
    ...(bulkActionId === undefined ? {} : { bulkActionId }),
  };
}
