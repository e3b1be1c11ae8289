/** What may be triggered: tasks and queues, followed live. */
import {
  BUCKETS,
  queueKey,
  queueRecordSchema,
  taskKey,
  taskRecordSchema,
  type QueueRecord,
  type TaskRecord,
} from "@millrace/proto";
import { Bucket } from "./buckets.ts";
import type { NatsConnection } from "./connect.ts";
import type { Feed } from "./feed.ts";

export class Catalog {
  readonly #tasks: Bucket<TaskRecord>;
  readonly #queues: Bucket<QueueRecord>;
  readonly #taskByKey = new Map<string, TaskRecord>();
  readonly #queueByKey = new Map<string, QueueRecord>();
  readonly #feeds: Feed[] = [];

  private constructor(tasks: Bucket<TaskRecord>, queues: Bucket<QueueRecord>) {
    this.#tasks = tasks;
    this.#queues = queues;
  }

  /**
   * Resolves when everything registered so far is known.
   * @param env the one environment that will be asked about; default: all
   */
  static async open(nc: NatsConnection, env?: string): Promise<Catalog> {
    const catalog = new Catalog(
      await Bucket.open(nc, BUCKETS.tasks, taskRecordSchema),
      await Bucket.open(nc, BUCKETS.queues, queueRecordSchema),
    );
    const keys = env === undefined ? ">" : `${env}.*`;
    catalog.#feeds.push(
      await catalog.#tasks.watch(keys, ({ key, value }) => set(catalog.#taskByKey, key, value)),
      await catalog.#queues.watch(keys, ({ key, value }) => set(catalog.#queueByKey, key, value)),
    );
    return catalog;
  }

  /** A task this process has not heard of is looked up before it is called unknown. */
  async task(env: string, taskId: string): Promise<TaskRecord | undefined> {
    const key = taskKey(env, taskId);
    return this.#taskByKey.get(key) ?? (await this.#tasks.get(key))?.value;
  }

  async queue(env: string, name: string): Promise<QueueRecord | undefined> {
    const key = queueKey(env, name);
    return this.#queueByKey.get(key) ?? (await this.#queues.get(key))?.value;
  }

  /** The same without waiting, for the hot path; undefined also when it has not been heard of yet. */
  known(
    env: string,
    taskId: string,
    queueOf: (task: TaskRecord) => string,
  ): { readonly task: TaskRecord; readonly queue: QueueRecord } | undefined {
    const task = this.#taskByKey.get(taskKey(env, taskId));
    const queue = task && this.#queueByKey.get(queueKey(env, queueOf(task)));
    return queue && { task, queue };
  }

  /** An environment's queues, sorted by name. */
  queues(env: string): QueueRecord[] {
    const prefix = `${env}.`;
    const found: QueueRecord[] = [];
    for (const [key, queue] of this.#queueByKey) if (key.startsWith(prefix)) found.push(queue);
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** A queue's record that this process has just written: it is known at once. */
  learn(env: string, queue: QueueRecord): void {
    this.#queueByKey.set(queueKey(env, queue.name), queue);
  }

  async close(): Promise<void> {
    await Promise.all(this.#feeds.map((feed) => feed.stop()));
  }
}

function set<T>(map: Map<string, T>, key: string, value: T | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
