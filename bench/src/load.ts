/** Putting load on a running Millrace, straight over NATS, and seeing it through to the end. */
import {
  Catalog,
  connectBroker,
  Feed,
  Publisher,
  RunClient,
  type NatsConnection,
} from "@millrace/nats";
import { RUNS, type TriggerBody } from "@millrace/proto";

const BODY: TriggerBody = { payload: "null", options: { payloadType: "application/json" } };
const ENV = "dev";

export type Throughput = {
  readonly runs: number;
  readonly triggersPerSecond: number;
  readonly runsPerSecond: number;
};

export class Load {
  readonly client: RunClient;
  readonly #nc: NatsConnection;
  #ended = 0;
  #waiting: { readonly target: number; readonly resolve: () => void } | undefined;

  private constructor(nc: NatsConnection, client: RunClient) {
    this.#nc = nc;
    this.client = client;
  }

  /** Counts ends of runs by reading the log's `attempt-succeeded` events. */
  static async connect(url: string): Promise<Load> {
    const nc = await connectBroker({ url, name: "bench client" });
    const load = new Load(nc, new RunClient(nc, new Publisher(nc), await Catalog.open(nc)));
    await Feed.start(nc, {
      stream: RUNS.name,
      subjects: ["run.*.*.*.agent"],
      from: "new",
      onMessage: ({ type }) => {
        if (type === "attempt-succeeded") load.#count();
      },
    });
    return load;
  }

  /** Triggers `runs` runs as fast as they are acknowledged and waits until all have succeeded. */
  async throughput(taskId: string, runs: number): Promise<Throughput> {
    const target = this.#ended + runs;
    const done = new Promise<void>((resolve) => {
      this.#waiting = { target, resolve };
    });
    const startedAt = performance.now();
    const triggers: Promise<string>[] = [];
    for (let i = 0; i < runs; i++) triggers.push(this.trigger(taskId));
    await Promise.all(triggers);
    const triggeredAt = performance.now();
    await done;
    const endedAt = performance.now();
    return {
      runs,
      triggersPerSecond: (runs / (triggeredAt - startedAt)) * 1000,
      runsPerSecond: (runs / (endedAt - startedAt)) * 1000,
    };
  }

  async trigger(taskId: string): Promise<string> {
    const triggered = await this.client.trigger(ENV, taskId, BODY);
    if (!triggered.ok) throw new Error(triggered.message);
    return triggered.runId;
  }

  /** Milliseconds from calling trigger to the first line of the task, one run at a time, workers idle. */
  async firstLineLatencies(taskId: string, samples: number): Promise<number[]> {
    const latencies: number[] = [];
    for (let i = 0; i < samples; i++) {
      const target = this.#ended + 1;
      const done = new Promise<void>((resolve) => {
        this.#waiting = { target, resolve };
      });
      const calledAt = performance.timeOrigin + performance.now();
      const runId = await this.trigger(taskId);
      await done;
      const run = await this.client.retrieve(ENV, runId);
      if (run?.status !== "finished" || run.output?.data === undefined)
        throw new Error(`Run ${runId} did not succeed`);
      latencies.push(Number(run.output.data) - calledAt);
    }
    return latencies;
  }

  async close(): Promise<void> {
    await this.#nc.close();
  }

  #count(): void {
    this.#ended++;
    if (this.#waiting && this.#ended >= this.#waiting.target) {
      this.#waiting.resolve();
      this.#waiting = undefined;
    }
  }
}
