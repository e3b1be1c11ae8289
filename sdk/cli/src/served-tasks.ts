/** Which tasks an agent of this installation serves. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Bucket, type NatsConnection } from "@millrace/nats";
import { BUCKETS, taskRecordSchema } from "@millrace/proto";

/** The environment everything on one machine runs in. */
export const DEV_ENV = "dev";

/** The ids of the folder's tasks. The bucket also has those of folders that were served before on the same store. */
export async function servedTasks(nc: NatsConnection, tasksDir: string): Promise<string[]> {
  const tasks = await Bucket.open(nc, BUCKETS.tasks, taskRecordSchema);
  const ids = new Set<string>();
  const feed = await tasks.watch(`${DEV_ENV}.*`, ({ value }) => {
    if (value && existsSync(join(tasksDir, value.filePath))) ids.add(value.id);
  });
  await feed.stop();
  return [...ids].toSorted();
}
