/** A broker with a task in its catalog, and clients on connections of their own. */
import {
  BUCKETS,
  type CallInput,
  type CallName,
  type CallOutput,
  ownQueue,
  queueKey,
  queueRecordSchema,
  taskKey,
  taskRecordSchema,
  type QueueRecord,
  type TaskRecord,
} from "@millrace/proto";
import { TestBroker } from "@millrace/harness";
import {
  Bucket,
  Catalog,
  PlatformCalls,
  Publisher,
  RunClient,
  type NatsConnection,
  type PlatformOptions,
} from "../src/index.ts";

export const resize: TaskRecord = {
  id: "resize",
  queue: ownQueue("resize"),
  machine: "small-1x",
  isolation: "process",
  filePath: "tasks/resize.ts",
};

export type Client = {
  readonly nc: NatsConnection;
  readonly publisher: Publisher;
  readonly catalog: Catalog;
  readonly runs: RunClient;
  calls(options?: PlatformOptions): Promise<PlatformCalls>;
};

export class Platform {
  readonly broker: TestBroker;

  private constructor(broker: TestBroker) {
    this.broker = broker;
  }

  static async start(): Promise<Platform> {
    const platform = new Platform(await TestBroker.start());
    await platform.register(resize);
    return platform;
  }

  async register(task: TaskRecord): Promise<void> {
    await this.declare({ name: task.queue, type: "task", concurrencyLimit: null });
    const nc = await this.broker.connect();
    const tasks = await Bucket.open(nc, BUCKETS.tasks, taskRecordSchema);
    await tasks.put(taskKey("dev", task.id), task);
  }

  async declare(queue: QueueRecord, env = "dev"): Promise<void> {
    const nc = await this.broker.connect();
    const queues = await Bucket.open(nc, BUCKETS.queues, queueRecordSchema);
    await queues.put(queueKey(env, queue.name), queue);
  }

  async client(): Promise<Client> {
    const nc = await this.broker.connect();
    const publisher = new Publisher(nc);
    const catalog = await Catalog.open(nc);
    const runs = new RunClient(nc, publisher, catalog);
    return {
      nc,
      publisher,
      catalog,
      runs,
      calls: (options) => PlatformCalls.open(nc, publisher, catalog, runs, options),
    };
  }

  async messages(stream = "RUNS", subject = ">"): Promise<number> {
    const jsm = await this.broker.manager();
    const { state } = await jsm.streams.info(stream, { subjects_filter: subject });
    return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
  }

  async stop(): Promise<void> {
    await this.broker.stop();
  }
}

/** A call's value; what is refused throws. */
export async function value<C extends CallName>(
  calls: PlatformCalls,
  name: C,
  input: CallInput<C>,
): Promise<CallOutput<C>> {
  const answered = await calls.call("dev", name, input);
  if (!answered.ok) throw new Error(`${answered.code}: ${answered.message}`);
  return answered.value;
}

/** The code a call is refused with. */
export async function refusal<C extends CallName>(
  calls: PlatformCalls,
  name: C,
  input: CallInput<C>,
): Promise<string> {
  const answered = await calls.call("dev", name, input);
  return answered.ok ? "not refused" : answered.code;
}
