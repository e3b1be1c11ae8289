/** A started Millrace with two environments, and in each something of everything. */
import { Millrace, type ServiceProcess } from "@millrace/harness";
import { Bucket, type NatsConnection } from "@millrace/nats";
import {
  BUCKETS,
  queueKey,
  queueRecordSchema,
  taskKey,
  taskRecordSchema,
  type TaskRecord,
} from "@millrace/proto";
import type { Facts } from "../../../services/gateway/test/requests.ts";

const TASK = "team/greet";
const SCHEDULED = "report";
const QUEUE = "mail";

export type Environment = { readonly name: string; readonly key: string };

export class Installation {
  readonly dev: Environment;
  readonly prod: Environment = { name: "prod", key: "tr_prod_0123456789abcdef" };
  readonly nc: NatsConnection;
  readonly coordinator: ServiceProcess;
  readonly gateway: ServiceProcess;
  readonly #millrace: Millrace;

  private constructor(
    millrace: Millrace,
    nc: NatsConnection,
    coordinator: ServiceProcess,
    gateway: ServiceProcess,
  ) {
    this.#millrace = millrace;
    this.nc = nc;
    this.coordinator = coordinator;
    this.gateway = gateway;
    this.dev = { name: "dev", key: millrace.secretKey };
  }

  static async start(): Promise<Installation> {
    const millrace = await Millrace.broker();
    try {
      const coordinator = await millrace.service("coordinator");
      await coordinator.ready();
      const nc = await millrace.connect();
      const gateway = await millrace.gateway();
      const installation = new Installation(millrace, nc, coordinator, gateway);
      for (const { name, key } of [installation.dev, installation.prod]) {
        await millrace.authorize(key, name);
        await register(nc, name);
      }
      await gateway.ready();
      return installation;
    } catch (error) {
      await millrace.stop();
      throw error;
    }
  }

  get url(): string {
    return this.#millrace.apiUrl;
  }

  /** Makes one of everything. */
  async makeFacts({ name: env, key }: Environment): Promise<Facts> {
    const make = async (path: string, body: object): Promise<string> => {
      const response = await fetch(`${this.url}${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}` },
        body: JSON.stringify(body),
      });
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      return ((await response.json()) as { readonly id: string }).id;
    };
    const trigger = `/api/v1/tasks/${encodeURIComponent(TASK)}/trigger`;
    const runId = await make(trigger, { options: { tags: ["red"] } });
    return {
      env,
      taskId: TASK,
      scheduledTaskId: SCHEDULED,
      queue: QUEUE,
      runId,
      delayedRunId: await make(trigger, { options: { delay: "1h" } }),
      batchId: await make("/api/v3/batches", { runCount: 2 }),
      tokenId: await make("/api/v1/waitpoints/tokens", { timeout: "1h" }),
      scheduleId: await make("/api/v1/schedules", {
        task: SCHEDULED,
        cron: "0 9 * * *",
        deduplicationKey: runId,
      }),
      bulkId: await make("/api/v1/bulk-actions", { action: "cancel", runIds: [runId] }),
    };
  }

  /** What the services said of errors, and of one that has ended its last words. */
  errors(): string[] {
    const services = [this.gateway, this.coordinator];
    const ended = services.filter((service) => !service.running);
    const lastWords = ended.map(
      (service) => `${service.name} ended: ${service.log().slice(-2000)}`,
    );
    const errors = services.flatMap((service) =>
      service
        .log()
        .split("\n")
        .filter((line) => /"level":(50|60)|"level":"(error|fatal)"|^\s+at /.test(line)),
    );
    return [...lastWords, ...errors];
  }

  async stop(): Promise<void> {
    await this.#millrace.stop();
  }
}

async function register(nc: NatsConnection, env: string): Promise<void> {
  const tasks = await Bucket.open(nc, BUCKETS.tasks, taskRecordSchema);
  const queues = await Bucket.open(nc, BUCKETS.queues, queueRecordSchema);
  const task = (id: string): TaskRecord => ({
    id,
    queue: `task/${id}`,
    machine: "small-1x",
    isolation: "process",
    filePath: "tasks.ts",
  });
  await tasks.put(taskKey(env, TASK), task(TASK));
  await tasks.put(taskKey(env, SCHEDULED), { ...task(SCHEDULED), triggerSource: "schedule" });
  for (const id of [TASK, SCHEDULED]) {
    const name = `task/${id}`;
    await queues.put(queueKey(env, name), { name, type: "task", concurrencyLimit: 1 });
  }
  await queues.put(queueKey(env, QUEUE), { name: QUEUE, type: "custom", concurrencyLimit: 3 });
}
