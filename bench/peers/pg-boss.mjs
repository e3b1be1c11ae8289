/** pg-boss on PostgreSQL. */
import PgBoss from "pg-boss";
import { startPostgres } from "./postgres.mjs";

const QUEUE = "bench";

export async function startServer(dir) {
  const server = await startPostgres(dir);
  const boss = await open(server.url);
  await boss.createQueue(QUEUE);
  await boss.stop({ graceful: false });
  return server;
}

export async function openClient(url) {
  const boss = await open(url);
  return {
    trigger: async (data, { delayMs } = {}) => {
      const startAfter =
        delayMs === undefined ? {} : { startAfter: new Date(Date.now() + delayMs) };
      await boss.send(QUEUE, data, startAfter);
    },
    close: () => boss.stop({ graceful: false }),
  };
}

/** Its workers fetch a batch, work through it and poll again: half a second is the shortest interval. */
export async function work(url, concurrency, { run, ended }) {
  const boss = await open(url);
  const settings = { batchSize: concurrency, pollingIntervalSeconds: 0.5 };
  await boss.work(QUEUE, settings, async (jobs) => {
    await Promise.all(jobs.map(async ({ data }) => run(data)));
    // They are completed together, right after this.
    for (const _ of jobs) setImmediate(() => ended());
  });
  return () => boss.stop({ graceful: false });
}

async function open(connectionString) {
  const boss = new PgBoss({ connectionString, max: 20 });
  boss.on("error", (error) => console.error(error));
  await boss.start();
  return boss;
}
