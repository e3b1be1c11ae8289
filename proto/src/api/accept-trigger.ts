/** The rule that turns a trigger into a run's first event, or refuses it. */
import { refuse, type Refusal } from "../errors.ts";
import type { EventData } from "../events/events.ts";
import type { QueueRecord } from "../registry/queues.ts";
import type { TaskRecord } from "../registry/tasks.ts";
import { makeRunId, shardOfQueue } from "../wire/ids.ts";
import { keyFields, readClaims, type Claims } from "./trigger-keys.ts";
import { payloadPacket, readOptions } from "./trigger-values.ts";
import type { TriggerBody } from "./trigger.ts";

/** What the caller knows besides the request. */
export type TriggerContext = {
  readonly env: string;
  readonly task: TaskRecord | undefined;
  /** The queue's record, looked up by `queueOfTrigger`. */
  readonly queue: QueueRecord | undefined;
  readonly nowMs: number;
  /** `RUN_ID_RANDOM_BYTES` random bytes, or a run id made earlier. */
  readonly identity: Uint8Array | { readonly runId: string };
  readonly lineage?: Lineage;
};

/** A child's place in its family, known to the agent that triggers it. */
export type Lineage = {
  readonly parent: NonNullable<EventData<"run-triggered">["parent"]>;
  readonly rootRunId: string;
  readonly depth: number;
  readonly orderAt?: number;
  readonly batchId?: string;
  readonly replayOf?: string;
};

export type Accepted = Claims & {
  readonly ok: true;
  readonly runId: string;
  readonly data: EventData<"run-triggered">;
};

/** The queue a trigger goes to: the option's, else the task's. */
export function queueOfTrigger(task: TaskRecord, body: TriggerBody): string {
  return body.options?.queue?.name ?? task.queue;
}

/** Decides about a trigger: the run's first event, or why not. Changes nothing. */
export function acceptTrigger(
  taskId: string,
  body: TriggerBody,
  context: TriggerContext,
): Accepted | Refusal {
  const { env, task, queue, nowMs, lineage } = context;
  if (!task)
    return refuse(
      "TASK_NOT_FOUND",
      `Task "${taskId}" is not registered in "${env}": no agent serves it. Check the id, and that an agent with this task is running`,
    );
  const options = body.options ?? {};
  const queueName = queueOfTrigger(task, body);
  if (!queue)
    return refuse(
      "QUEUE_NOT_FOUND",
      `Queue "${queueName}" does not exist: declare it with queue({ name }) in a task file`,
    );
  const read = readOptions(options, task, nowMs);
  if (!read.ok) return read;
  const payload = payloadPacket(body.payload, options.payloadType);
  if (!payload) return refuse("BAD_REQUEST", "The payload cannot be written as JSON");
  const keys = readClaims(options);
  if (!keys.ok) return keys;
  const { claims } = keys;
  return {
    ok: true,
    runId: runIdOf(context, queueName),
    data: {
      at: nowMs,
      env,
      taskId,
      queue: queueName,
      payload,
      isolation: task.isolation,
      pool: options.region ?? "default",
      isTest: options.test ?? false,
      depth: lineage?.depth ?? 0,
      ...read.data,
      ...keyFields(options, claims.debounce, nowMs),
      ...(options.parentBatch === undefined ? {} : { batchId: options.parentBatch }),
      ...(lineage ? lineageFields(lineage) : {}),
    },
    ...claims,
  };
}

function runIdOf({ identity, env, nowMs }: TriggerContext, queue: string): string {
  return "runId" in identity
    ? identity.runId
    : makeRunId(shardOfQueue(env, queue), nowMs, identity);
}

function lineageFields(lineage: Lineage): Partial<EventData<"run-triggered">> {
  return {
    parent: lineage.parent,
    rootRunId: lineage.rootRunId,
    ...(lineage.orderAt === undefined ? {} : { orderAt: lineage.orderAt }),
    ...(lineage.batchId === undefined ? {} : { batchId: lineage.batchId }),
    ...(lineage.replayOf === undefined ? {} : { replayOf: lineage.replayOf }),
  };
}
