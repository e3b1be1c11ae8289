/** BullMQ on Redis. */
import { FlowProducer, Queue, Worker } from "bullmq";
import { freePort, serve } from "./processes.mjs";

const QUEUE = "bench";
const PARENTS = "bench-parents";

const KEPT = { removeOnComplete: true, removeOnFail: false };

const connectionOf = (url) => ({
  host: "127.0.0.1",
  port: Number(url),
  maxRetriesPerRequest: null,
});

/** @param options.aof Redis' append-only file, synced every second */
export async function startServer(dir, { aof = false } = {}) {
  const port = await freePort();
  const server = await serve(
    "redis",
    dir,
    ["redis-server", "--port", String(port), "--dir", dir, "--appendonly", aof ? "yes" : "no"],
    port,
  );
  return { ...server, url: String(port) };
}

export async function openClient(url) {
  const connection = connectionOf(url);
  const queue = new Queue(QUEUE, { connection });
  const flows = new FlowProducer({ connection });
  return {
    trigger: async (data, { delayMs } = {}) => {
      await queue.add("job", data, {
        ...KEPT,
        ...(delayMs === undefined ? {} : { delay: delayMs }),
      });
    },
    /** A parent that goes on when all of its children have ended. */
    fanOut: async (items, data) => {
      await flows.add({
        name: "join",
        queueName: PARENTS,
        data: { isJoin: true },
        opts: KEPT,
        children: Array.from({ length: items }, () => ({
          name: "job",
          queueName: QUEUE,
          data,
          opts: KEPT,
        })),
      });
    },
    close: async () => {
      await flows.close();
      await queue.close();
    },
  };
}

export async function work(url, concurrency, { run, ended, joined }) {
  const connection = connectionOf(url);
  const worker = new Worker(QUEUE, async ({ data }) => run(data), { connection, concurrency });
  worker.on("completed", ended);
  const parents = new Worker(PARENTS, async () => joined(), { connection });
  await Promise.all([worker.waitUntilReady(), parents.waitUntilReady()]);
  return async () => {
    await Promise.all([worker.close(), parents.close()]);
  };
}
