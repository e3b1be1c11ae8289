/** The queues' settings (limit, override, pause, rate limit), followed live; shared by all shards of a process. */
import { BUCKETS, queueKey, queueRecordSchema, type QueueRecord } from "@millrace/proto";
import { Bucket, type Logger, type NatsConnection } from "@millrace/service-kit";

/** `before`: what was known of the queue until now. */
type Listener = (env: string, queue: string, before: QueueRecord | undefined) => void;

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
   * The queue's settings; undefined when they are not known yet: then they are looked for, and listeners are told. A run
   * whose queue is unknown must wait: letting it pass could exceed a limit.
   */
  of(env: string, queue: string): QueueRecord | undefined {
    const key = queueKey(env, queue);
    const record = this.#records.get(key);
    if (!record && !this.#looking.has(key)) void this.#lookUp(key);
    return record;
  }

  /** The queue's settings, where they are known. */
  peek(env: string, queue: string): QueueRecord | undefined {
    return this.#records.get(queueKey(env, queue));
  }

  /** The period of its rate limit, where it is known to have one. */
  periodOf(env: string, queue: string): number | undefined {
    return this.peek(env, queue)?.rateLimit?.periodMs;
  }

  /** Calls `listener` whenever a queue's settings become known or are written. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #lookUp(key: string): Promise<void> {
    this.#looking.add(key);
    try {
      while (!this.#records.has(key)) {
        const entry = await this.#bucket.get(key).catch(() => undefined);
        if (this.#records.has(key)) return;
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
    const before = this.#records.get(key);
    this.#records.set(key, record);
    const env = key.slice(0, key.indexOf("."));
    for (const listener of this.#listeners) listener(env, record.name, before);
  }
}
