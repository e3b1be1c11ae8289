/**
 * Batches as records in the broker. A batch is announced, then its items come, in one request or several; it is sealed
 * when all are there, and unchanged from then on.
 */
import { createHash } from "node:crypto";
import {
  batchKey,
  batchRecordSchema,
  BUCKETS,
  idempotencyKeyOf,
  idempotencyRecordSchema,
  readKeyTtl,
  refuse,
  type BatchItemsAnswer,
  type BatchRecord,
  type CreateBatchBody,
  type CreatedBatch,
  type IdempotencyRecord,
} from "@millrace/proto";
import { Bucket, type Answer, type NatsConnection, type RunClient } from "@millrace/service-kit";
import { triggerItems, type DoneItem, type MayTrigger } from "./batch-items.ts";

/** What is kept of a refused item's words: a record has room for a thousand of them. */
const KEPT_LENGTH = 200;

export class Batches {
  readonly #runs: RunClient;
  readonly #records: Bucket<BatchRecord>;
  readonly #keys: Bucket<IdempotencyRecord>;

  private constructor(
    runs: RunClient,
    records: Bucket<BatchRecord>,
    keys: Bucket<IdempotencyRecord>,
  ) {
    this.#runs = runs;
    this.#records = records;
    this.#keys = keys;
  }

  static async open(nc: NatsConnection, runs: RunClient): Promise<Batches> {
    return new Batches(
      runs,
      await Bucket.open(nc, BUCKETS.batches, batchRecordSchema),
      await Bucket.open(nc, BUCKETS.idempotency, idempotencyRecordSchema),
    );
  }

  /**
   * Announces a batch, or finds the one that was announced with the same key. Of that one the items are asked for again
   * unless all came: whoever announced it may be gone.
   * @param ownId the batch this request makes, the same in each attempt of it
   */
  async create(env: string, ownId: string, body: CreateBatchBody): Promise<Answer<CreatedBatch>> {
    const { runCount, idempotencyKey, parentRunId } = body;
    const ttlMs = readKeyTtl(body.idempotencyKeyTTL);
    if (ttlMs === undefined)
      return refuse(
        "INVALID_OPTION",
        `idempotencyKeyTTL must be a number and one of s, m, h, d, such as "60s", not ${JSON.stringify(body.idempotencyKeyTTL)}`,
      );
    const id =
      idempotencyKey === undefined ? ownId : await this.#claim(env, idempotencyKey, ttlMs, ownId);
    const now = Date.now();
    const key = batchKey(env, id);
    const isNew = await this.#records.create(key, {
      id,
      createdAt: now,
      updatedAt: now,
      runCount,
      runIds: null,
      errors: [],
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      ...(parentRunId === undefined ? {} : { parentRunId }),
    });
    const found = isNew === undefined ? await this.#records.get(key) : undefined;
    const value = {
      id,
      runCount: found?.value.runCount ?? runCount,
      isCached: (found?.value.runIds ?? null) !== null,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    };
    return { ok: true, value };
  }

  /**
   * Triggers the items of a request and counts them. Items that came before are left alone.
   * @param mayTrigger why an item of this task is refused; undefined: it is not
   */
  async addItems(
    env: string,
    id: string,
    body: AsyncIterable<Buffer>,
    mayTrigger: MayTrigger = () => undefined,
  ): Promise<Answer<BatchItemsAnswer>> {
    const found = await this.#records.get(batchKey(env, id));
    if (!found) return refuse("BATCH_NOT_FOUND", `There is no batch ${id}`);
    const batch = found.value;
    if (batch.runIds !== null) return { ok: true, value: answerOf(batch, 0, batch.runCount) };
    const outcome = await triggerItems(this.#runs, env, batch, body, mayTrigger);
    if (!outcome.ok) return outcome;
    const { done, repeated } = outcome;
    const accepted = done.filter((item) => "refusal" in item || item.isNew).length;
    const record = await this.#record(env, id, done);
    const value = answerOf(record, accepted, repeated + done.length - accepted);
    return { ok: true, value };
  }

  /** The id this key stands for from now on, if it stands for none. */
  async #claim(env: string, key: string, ttlMs: number, ownId: string): Promise<string> {
    const hash = createHash("sha256").update(key).digest("hex");
    const place = idempotencyKeyOf(env, "batch", hash);
    const now = Date.now();
    const own = { id: ownId, expiresAt: now + ttlMs };
    const agreed = await this.#keys.change(
      place,
      (current) => (current && current.expiresAt > now ? undefined : own),
      { ttlMs: () => ttlMs },
    );
    return agreed?.id ?? ownId;
  }

  /** Several requests may bring items at once: what each did is merged. */
  async #record(env: string, id: string, done: readonly DoneItem[]): Promise<BatchRecord> {
    const record = await this.#records.change(batchKey(env, id), (current) =>
      current && current.runIds === null ? merge(current, done, Date.now()) : undefined,
    );
    if (!record) throw new Error(`the record of batch ${id} was removed while its items came`);
    return record;
  }
}

/** The batch with these items; sealed when they were the last ones. */
export function merge(batch: BatchRecord, done: readonly DoneItem[], nowMs: number): BatchRecord {
  const received = { ...batch.received };
  const errors = [...batch.errors];
  for (const item of done) {
    if (received[item.index] !== undefined) continue;
    received[item.index] = "refusal" in item ? "" : item.runId;
    if (!("refusal" in item)) continue;
    errors.push({
      index: item.index,
      taskIdentifier: item.task.slice(0, KEPT_LENGTH),
      error: item.refusal.message.slice(0, KEPT_LENGTH),
      errorCode: item.refusal.code,
    });
  }
  errors.sort((a, b) => a.index - b.index);
  const { received: _, ...rest } = batch;
  const isSealed = Object.keys(received).length === batch.runCount;
  if (!isSealed) return { ...rest, updatedAt: nowMs, errors, received };
  // Keys that are numbers come in their order.
  const runIds = Object.values(received).filter((runId) => runId !== "");
  return { ...rest, updatedAt: nowMs, errors, runIds };
}

function answerOf(batch: BatchRecord, accepted: number, repeated: number): BatchItemsAnswer {
  const { id, runCount, runIds, received = {} } = batch;
  const sealed = runIds !== null;
  return {
    id,
    itemsAccepted: accepted,
    itemsDeduplicated: repeated,
    sealed,
    enqueuedCount: sealed ? runCount : Object.keys(received).length,
    expectedCount: runCount,
    runCount,
  };
}
