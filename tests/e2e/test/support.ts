/** What several end-to-end tests need. */
import { Catalog, Publisher, RunClient, type NatsConnection } from "@millrace/nats";
import type { TriggerOptions } from "@millrace/proto";
import { join } from "node:path";

export const TASKS = join(import.meta.dirname, "../tasks");

/** Triggers straight on the broker. */
export class Client {
  readonly runs: RunClient;

  private constructor(runs: RunClient) {
    this.runs = runs;
  }

  static async open(nc: NatsConnection): Promise<Client> {
    return new Client(new RunClient(nc, new Publisher(nc), await Catalog.open(nc)));
  }

  async trigger(taskId: string, payload: unknown, options: TriggerOptions = {}): Promise<string> {
    const triggered = await this.runs.trigger("dev", taskId, {
      payload: JSON.stringify(payload),
      options: { payloadType: "application/json", ...options },
    });
    if (!triggered.ok) throw new Error(triggered.message);
    return triggered.runId;
  }

  async triggerMany(taskId: string, payload: unknown, count: number): Promise<string[]> {
    return await Promise.all(Array.from({ length: count }, () => this.trigger(taskId, payload)));
  }
}

type ConsumerInfo = {
  readonly config: { readonly max_ack_pending: number };
  readonly num_ack_pending: number;
  readonly num_pending: number;
};

/** What the broker itself says about a consumer. */
export async function consumerInfo(
  nc: NatsConnection,
  stream: string,
  consumer: string,
): Promise<ConsumerInfo> {
  const answer = await nc.request(`$JS.API.CONSUMER.INFO.${stream}.${consumer}`);
  return answer.json<ConsumerInfo>();
}
