/** Users' backends: they trigger runs, cancel some, complete tokens, and repeat what was not answered. */
import {
  BUCKETS,
  tokenKey,
  tokenRecordSchema,
  makeRunId,
  RUN_ID_RANDOM_BYTES,
  shardOfQueue,
} from "@millrace/proto";
import { randomBytes } from "node:crypto";
import { Bucket, Catalog, PlatformCalls, Publisher, RunClient } from "@millrace/service-kit";
import type { Setting } from "./machine.ts";
import { ENV, TASKS, type Errand, type Spec, type Workload } from "./script.ts";

export type ClientEvents = {
  /** The platform has answered that it has the run. */
  readonly onTriggered: (runId: string, errand: Errand) => void;
  /** The same key was used twice, and led to these. */
  readonly onRepeated: (firstRunId: string, secondRunId: string) => void;
  readonly onRefused: (why: string) => void;
  /** Everything has been asked and answered. */
  readonly onDone: () => void;
};

const AGAIN_MS = 500;
const READY_MS = 100;

export async function startClient(
  { connection, log }: Setting,
  workload: Workload,
  events: ClientEvents,
): Promise<void> {
  const nc = connection.client;
  const publisher = new Publisher(nc);
  const catalog = await Catalog.open(nc);
  const client = new RunClient(nc, publisher, catalog);
  const platform = await PlatformCalls.open(nc, publisher, catalog, client);
  const tokens = await Bucket.open(nc, BUCKETS.waitpoints, tokenRecordSchema);
  const beganAt = Date.now();

  const errand = async (each: Errand): Promise<void> => {
    await sleep(each.atMs);
    const runId = await triggered(client, each.spec);
    if ("refused" in runId) return events.onRefused(runId.refused);
    events.onTriggered(runId.id, each);
    if (each.isRepeated) {
      const again = await triggered(client, each.spec);
      if ("refused" in again) return events.onRefused(again.refused);
      events.onRepeated(runId.id, again.id);
    }
    if (each.cancelAfterMs === undefined) return;
    await sleep(each.cancelAfterMs);
    await untilAnswered(() => client.cancel(ENV, runId.id));
  };
  const token = async ({
    id,
    completeAtMs,
    timeoutMs,
  }: Workload["tokens"][number]): Promise<void> => {
    const timeoutAt = timeoutMs === undefined ? {} : { timeoutAt: beganAt + timeoutMs };
    const record = { id, createdAt: beganAt, tags: [], ...timeoutAt };
    await untilAnswered(() => tokens.create(tokenKey(ENV, id), record));
    await sleep(completeAtMs);
    const data = { data: `"${id.slice(-2)}"`, type: "application/json" };
    await untilAnswered(() => platform.call(ENV, "tokens.complete", { id, data }));
  };
  // Errands wait until their tokens are there, as code that makes them would.
  const completed = workload.tokens.map(token);
  await sleep(READY_MS);
  void Promise.all([...completed, ...workload.errands.map(errand)]).then(
    events.onDone,
    (error: unknown) => log.error({ err: error }, "the client failed"),
  );
}

/** Without a key a trigger that is repeated names its run: it makes one, however often it is sent. */
async function triggered(
  client: RunClient,
  { task, options, steps }: Spec,
): Promise<{ readonly id: string } | { readonly refused: string }> {
  const queue = TASKS.find(({ id }) => id === task)?.queue ?? "";
  const runId = makeRunId(shardOfQueue(ENV, queue), Date.now(), randomBytes(RUN_ID_RANDOM_BYTES));
  const body = { payload: { task, options, steps }, options };
  for (;;) {
    const answer = await untilAnswered(() => client.trigger(ENV, task, body, { runId }));
    if (answer.ok) return { id: answer.runId };
    // No agent has registered the task yet.
    if (!["TASK_NOT_FOUND", "QUEUE_NOT_FOUND"].includes(answer.code))
      return { refused: answer.message };
    await sleep(AGAIN_MS);
  }
}

async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (;;)
    try {
      return await ask();
    } catch {
      await sleep(AGAIN_MS);
    }
}

async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
