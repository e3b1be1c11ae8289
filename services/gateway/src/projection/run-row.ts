/** What is kept of a run: what lists filter by, and the item they show. */
import { publicStatus, viewOf, type LiveRun, type RunItem } from "@millrace/proto";

/** A run as `runs.list` shows it. Payload and output are neither read nor shown. */
export function itemOf(run: LiveRun): RunItem {
  const bare = { ...run, trigger: { ...run.trigger, payload: { type: "" } } };
  const { attempts: _, ...item } = viewOf(
    bare.status === "finished" ? { ...bare, output: null } : bare,
  );
  return item;
}

/** The values of a row, in the order of `COLUMNS`. */
export function rowOf(env: string, run: LiveRun, lastSeq: number): readonly unknown[] {
  const { trigger } = run;
  return [
    run.triggeredSeq,
    env,
    run.id,
    trigger.at,
    publicStatus(run),
    trigger.taskId,
    trigger.queue,
    trigger.machine,
    trigger.pool,
    run.version ?? null,
    trigger.batchId ?? null,
    trigger.schedule?.id ?? null,
    trigger.bulkActionId ?? null,
    trigger.parent?.runId ?? null,
    trigger.isTest ? 1 : 0,
    run.status === "finished" ? run.finishedAt : null,
    lastSeq,
    JSON.stringify(itemOf(run)),
  ];
}

export const COLUMNS = [
  "seq",
  "env",
  "id",
  "created_at",
  "status",
  "task",
  "queue",
  "machine",
  "region",
  "version",
  "batch",
  "schedule",
  "bulk_action",
  "parent",
  "is_test",
  "finished_at",
  "last_seq",
  "item",
] as const;

/** What can change after the first event. */
export const CHANGING = [
  "status",
  "machine",
  "region",
  "version",
  "finished_at",
  "last_seq",
  "item",
] as const;
