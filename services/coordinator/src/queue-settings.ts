/** The queues' limits, followed live; shared by all shards of a process. */
import { BUCKETS, queueKey, queueRecordSchema, type QueueRecord } from "@millrace/proto";
import { Bucket, type Logger, type NatsConnection } from "@millrace/service-kit";

type Listener = (env: string, queue: string) => void;

const LOOK_AGAIN_MS = 1000;

export class QueueSettings {
  readonly #bucket: Bucket<QueueRecord>;
  readonly #log: Logger;
  readonly #records = new Map<string, QueueRecord>();
  readonly #listeners = new Set<Listener>();
  readonly #looking = new Set<string>();

  private constructor(bucket: Bucket<QueueRecord>, log: Logger) {
    this.#bucket = bucket;
    this.#log = log;
  }

  static async open(nc: NatsConnection, log: Logger): Promise<QueueSettings> {
    const bucket = await Bucket.open(nc, BUCKETS.queues, queueRecordSchema);
    const settings = new QueueSettings(bucket, log);
    await bucket.watch(">", ({ key, value }) => {
      if (value) settings.#learn(key, value);
    });
    return settings;
  }

  /**
   * The queue's concurrency limit: null for none, undefined when it is not known yet; then listeners are told when
   * it is. A run whose queue's limit is unknown must wait: letting it pass could exceed the limit.
   */
  limitOf(env: string, queue: string): number | null | undefined {
    const key = queueKey(env, queue);
    const record = this.#records.get(key);
    if (record) return record.concurrencyLimit;
    if (!this.#looking.has(key)) void this.#lookUp(key);
    return undefined;
  }

  /** Calls `listener` whenever a queue's settings become known or change. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #lookUp(key: string): Promise<void> {
    this.#looking.add(key);
    try {
      while (!this.#records.has(key)) {
        const entry = await this.#bucket.get(key).catch(() => undefined);
        if (entry) this.#learn(key, entry.value);
        else {
          this.#log.warn({ queue: key }, "runs wait for a queue that nobody has registered");
          await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
        }
      }
    } finally {
      this.#looking.delete(key);
    }
  }

  #learn(key: string, record: QueueRecord): void {
    this.#records.set(key, record);
    const env = key.slice(0, key.indexOf("."));
    for (const listener of this.#listeners) listener(env, record.name);
  }
}
