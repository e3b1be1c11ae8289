/**
 * Makes tasks and queues known: anyone may trigger them from then on. Queues first, so that whoever finds a task finds
 * its limit, too. What is already written as it should be is left alone.
 *
 * A queue's record has two owners: what task files declare is written here, what people have set since (paused, an
 * override of the limit) stays as it is.
 */
import { isDeepStrictEqual } from "node:util";
import {
  BUCKETS,
  queueKey,
  queueRecordSchema,
  taskKey,
  taskRecordSchema,
  type QueueRecord,
} from "@millrace/proto";
import { Bucket, type NatsConnection } from "@millrace/service-kit";
import type { Served, ServedQueue } from "./served-tasks.ts";

export async function register(nc: NatsConnection, env: string, served: Served): Promise<void> {
  const queues = await Bucket.open(nc, BUCKETS.queues, queueRecordSchema);
  await Promise.all(served.queues.map((queue) => declare(queues, env, queue)));
  const tasks = await Bucket.open(nc, BUCKETS.tasks, taskRecordSchema);
  await Promise.all(
    [...served.tasks.values()].map(async ({ record }) => {
      const key = taskKey(env, record.id);
      const known = await tasks.get(key);
      if (!isDeepStrictEqual(known?.value, record)) await tasks.put(key, record);
    }),
  );
}

async function declare(
  queues: Bucket<QueueRecord>,
  env: string,
  { record, isDeclared }: ServedQueue,
): Promise<void> {
  const key = queueKey(env, record.name);
  for (;;) {
    const known = await queues.get(key);
    if (known && !isDeclared) return;
    const value = known ? merged(known.value, record) : record;
    if (isDeepStrictEqual(known?.value, value)) return;
    const written = known
      ? await queues.update(key, value, known.revision)
      : await queues.create(key, value);
    if (written !== undefined) return;
    // Somebody else has written it since; or it is of a form nobody can read.
    if (!known && !(await queues.get(key))) return void (await queues.put(key, value));
  }
}

function merged({ override, paused }: QueueRecord, declared: QueueRecord): QueueRecord {
  return {
    ...declared,
    ...(override === undefined ? {} : { override }),
    ...(paused === undefined ? {} : { paused }),
  };
}
