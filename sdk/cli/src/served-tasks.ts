/** Which tasks an agent of this installation serves. */
import { Bucket, type NatsConnection } from "@millrace/nats";
import { BUCKETS, taskRecordSchema } from "@millrace/proto";

/** The environment everything on one machine runs in. */
export const DEV_ENV = "dev";

export async function servedTasks(nc: NatsConnection): Promise<string[]> {
  const tasks = await Bucket.open(nc, BUCKETS.tasks, taskRecordSchema);
  const ids = new Set<string>();
  const feed = await tasks.watch(`${DEV_ENV}.*`, ({ value }) => {
    if (value) ids.add(value.id);
  });
  await feed.stop();
  return [...ids].toSorted();
}
