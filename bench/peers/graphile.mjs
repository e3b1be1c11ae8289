/** Graphile Worker on PostgreSQL. */
import { EventEmitter } from "node:events";
import { Logger, makeWorkerUtils, run as runWorker } from "graphile-worker";
import pg from "pg";
import { startPostgres } from "./postgres.mjs";

const quiet = new Logger(() => () => undefined);

export async function startServer(dir) {
  const server = await startPostgres(dir);
  const utils = await makeWorkerUtils({ connectionString: server.url, logger: quiet });
  await utils.migrate();
  await utils.release();
  return server;
}

export async function openClient(url) {
  const pgPool = new pg.Pool({ connectionString: url, max: 20 });
  const utils = await makeWorkerUtils({ pgPool, logger: quiet });
  return {
    trigger: async (data, { delayMs } = {}) => {
      const runAt = delayMs === undefined ? {} : { runAt: new Date(Date.now() + delayMs) };
      await utils.addJob("job", data, runAt);
    },
    close: async () => {
      await utils.release();
      await pgPool.end();
    },
  };
}

export async function work(url, concurrency, { run, ended }, { isBatched = false } = {}) {
  const events = new EventEmitter();
  events.on("job:complete", ended);
  const runner = await runWorker({
    connectionString: url,
    concurrency,
    maxPoolSize: 20,
    events,
    logger: quiet,
    noHandleSignals: true,
    taskList: { job: async (data) => run(data) },
    ...(isBatched
      ? { preset: { worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0 } } }
      : {}),
  });
  return async () => {
    await runner.stop();
  };
}
