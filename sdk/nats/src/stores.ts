/** The buckets runs are triggered with, each opened when it is first needed: most triggers need none. */
import {
  batchRecordSchema,
  BUCKETS,
  debounceRecordSchema,
  idempotencyRecordSchema,
  queueRecordSchema,
  scheduleRecordSchema,
  tokenRecordSchema,
  type BatchRecord,
  type BucketDefinition,
  type DebounceRecord,
  type IdempotencyRecord,
  type QueueRecord,
  type ScheduleRecord,
  type TokenRecord,
} from "@millrace/proto";
import { Bucket } from "./buckets.ts";
import type { NatsConnection } from "./connect.ts";
import { BrokerUnavailableError } from "./errors.ts";
import { Objects } from "./objects.ts";

export class Stores {
  readonly idempotency: () => Promise<Bucket<IdempotencyRecord>>;
  readonly debounce: () => Promise<Bucket<DebounceRecord>>;
  readonly queues: () => Promise<Bucket<QueueRecord>>;
  readonly schedules: () => Promise<Bucket<ScheduleRecord>>;
  readonly tokens: () => Promise<Bucket<TokenRecord>>;
  readonly batches: () => Promise<Bucket<BatchRecord>>;
  readonly objects: () => Promise<Objects>;

  constructor(nc: NatsConnection) {
    const bucket = <T>(
      definition: BucketDefinition,
      schema: Parameters<typeof Bucket.open<T>>[2],
    ): (() => Promise<Bucket<T>>) =>
      once(definition.name, () => Bucket.open(nc, definition, schema));
    this.idempotency = bucket(BUCKETS.idempotency, idempotencyRecordSchema);
    this.debounce = bucket(BUCKETS.debounce, debounceRecordSchema);
    this.queues = bucket(BUCKETS.queues, queueRecordSchema);
    this.schedules = bucket(BUCKETS.schedules, scheduleRecordSchema);
    this.tokens = bucket(BUCKETS.waitpoints, tokenRecordSchema);
    this.batches = bucket(BUCKETS.batches, batchRecordSchema);
    this.objects = once("payloads", () => Objects.open(nc));
  }

  /** @throws BrokerUnavailableError */
  async openAll(): Promise<void> {
    const { idempotency, queues, schedules, tokens, batches, objects } = this;
    const all = [idempotency, queues, schedules, tokens, batches, objects];
    await Promise.all(all.map((open) => open()));
  }
}

/** Opens it once; an opening that failed is tried again by whoever comes next. */
function once<T>(name: string, open: () => Promise<T>): () => Promise<T> {
  let opening: Promise<T> | undefined;
  return async () => {
    opening ??= open();
    try {
      return await opening;
    } catch (error) {
      opening = undefined;
      throw new BrokerUnavailableError(`Opening ${name} failed: ${String(error)}`, {
        cause: error,
      });
    }
  };
}
