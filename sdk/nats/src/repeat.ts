/** The trigger of a run that repeats another one: the decision, and the payload where it has to be stored apart. */
import { randomBytes } from "node:crypto";
import {
  makeRunId,
  refuse,
  RUN_ID_RANDOM_BYTES,
  shardOfQueue,
  type EventData,
  type LiveRun,
  type Refusal,
} from "@millrace/proto";
import type { Catalog } from "./catalog.ts";
import type { Fork } from "./fork.ts";
import { newPayloadPath, offload } from "./packets.ts";
import { replayOf, type ReplayChanges } from "./replay.ts";
import type { Stores } from "./stores.ts";

/** A run to be triggered, under this id. */
export type Repeat = {
  readonly ok: true;
  readonly runId: string;
  readonly data: EventData<"run-triggered">;
};

/** Refused when the task or the queue of the run is not there any more. */
export async function repeatOf(
  { catalog, stores }: { readonly catalog: Catalog; readonly stores: Stores },
  env: string,
  run: LiveRun,
  changes: ReplayChanges & { readonly fork?: Fork },
): Promise<Repeat | Refusal> {
  const { taskId, queue } = run.trigger;
  const task = await catalog.task(env, taskId);
  if (!task) return refuse("TASK_NOT_FOUND", `Task "${taskId}" is not registered any more`);
  if (!(await catalog.queue(env, queue)))
    return refuse("QUEUE_NOT_FOUND", `Queue "${queue}" does not exist any more`);
  if (changes.region?.includes("@"))
    return refuse("INVALID_OPTION", "A region has no @ in its name");
  const nowMs = Date.now();
  const { fork } = changes;
  const data = { ...replayOf(run, task, changes, nowMs), ...(fork === undefined ? {} : { fork }) };
  const stored = await offload(stores.objects, env, newPayloadPath(), data.payload);
  if (!stored.ok) return stored;
  const { atMs, random } = changes.identity ?? {
    atMs: nowMs,
    random: randomBytes(RUN_ID_RANDOM_BYTES),
  };
  const runId = makeRunId(shardOfQueue(env, queue), atMs, random);
  return { ok: true, runId, data: { ...data, payload: stored.packet } };
}
