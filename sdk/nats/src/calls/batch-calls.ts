/** Batches: which runs they made. That a batch is complete says nothing about its runs' ends. */
import { batchKey, refuse, type BatchRecord, type BatchView } from "@millrace/proto";
import type { Stores } from "../stores.ts";
import { answer, type Answering, type Platform } from "./answers.ts";

/** A batch whose items have not all come by then is given up. */
const ABORTED_AFTER_MS = 30 * 60_000;
const ID_MAX = 128;

export function batchCalls({ stores }: Platform): {
  readonly "batches.retrieve": Answering<"batches.retrieve">;
} {
  return {
    "batches.retrieve": async (env, { id }) => {
      const isPossible = id.length > 0 && id.length <= ID_MAX;
      const entry = isPossible ? await (await stores.batches()).get(batchKey(env, id)) : undefined;
      return entry
        ? answer(viewOfBatch(entry.value, Date.now()))
        : refuse("BATCH_NOT_FOUND", `There is no batch ${JSON.stringify(id)}`);
    },
  };
}

export async function writeBatch(stores: Stores, env: string, record: BatchRecord): Promise<void> {
  const bucket = await stores.batches();
  await bucket.put(batchKey(env, record.id), record);
}

function viewOfBatch(record: BatchRecord, nowMs: number): BatchView {
  const { id, runIds, runCount, errors, idempotencyKey } = record;
  const updatedAt = new Date(record.updatedAt).toISOString();
  return {
    id,
    status: statusOf(record, nowMs),
    createdAt: new Date(record.createdAt).toISOString(),
    updatedAt,
    runCount,
    runs: runIds ?? [],
    processing: {
      ...(runIds === null ? {} : { completedAt: updatedAt }),
      errors: errors.map(({ errorCode, ...error }) => ({
        ...error,
        ...(errorCode === undefined ? {} : { errorCode }),
      })),
    },
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
}

function statusOf({ runIds, errors, createdAt }: BatchRecord, nowMs: number): BatchView["status"] {
  if (runIds === null) return nowMs - createdAt > ABORTED_AFTER_MS ? "ABORTED" : "PENDING";
  return errors.length > 0 ? "PARTIAL_FAILED" : "COMPLETED";
}
