/**
 * Makes tasks and queues known: anyone may trigger them from then on. Queues first, so that whoever finds a task finds
 * its limit, too. What is already written as it should be is left alone.
 */
import { isDeepStrictEqual } from "node:util";
import { BUCKETS, queueKey, queueRecordSchema, taskKey, taskRecordSchema } from "@millrace/proto";
import { Bucket, type NatsConnection } from "@millrace/service-kit";
import type { Served, ServedQueue } from "./served-tasks.ts";

export async function register(nc: NatsConnection, env: string, served: Served): Promise<void> {
  const queues = await Bucket.open(nc, BUCKETS.queues, queueRecordSchema);
  await Promise.all(
    served.queues.map(async ({ record, isDeclared }: ServedQueue) => {
      await putChanged(queues, queueKey(env, record.name), record, isDeclared);
    }),
  );
  const tasks = await Bucket.open(nc, BUCKETS.tasks, taskRecordSchema);
  await Promise.all(
    [...served.tasks.values()].map(async ({ record }) => {
      await putChanged(tasks, taskKey(env, record.id), record, true);
    }),
  );
}

async function putChanged<T>(
  bucket: Bucket<T>,
  key: string,
  value: T,
  mayReplace: boolean,
): Promise<void> {
  const known = await bucket.get(key);
  if (known && (!mayReplace || isDeepStrictEqual(known.value, value))) return;
  await bucket.put(key, value);
}
