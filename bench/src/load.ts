/** Putting load on a running Millrace, straight over NATS, and seeing it through to the end. */
import {
  Catalog,
  connectBroker,
  Feed,
  Publisher,
  RunClient,
  type FeedOptions,
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

/** Facts of a plain run: triggered, started, succeeded. One on a limited queue is granted its slot, too. */
export const EVENTS_OF_PLAIN_RUN = 3;
export const EVENTS_OF_LIMITED_RUN = 4;

const LOOK_EVERY_MS = 10;

export class Load {
  readonly #client: RunClient;
  readonly #nc: NatsConnection;

  private constructor(nc: NatsConnection, client: RunClient) {
    this.#nc = nc;
    this.#client = client;
  }

  static async connect(url: string): Promise<Load> {
    const nc = await connectBroker({ url, name: "bench client" });
    return new Load(nc, new RunClient(nc, new Publisher(nc), await Catalog.open(nc)));
  }

  /**
   * Triggers `runs` runs as fast as they are acknowledged and waits until all have ended. The end is seen by the
   * number of messages in the log, so that watching costs nothing; then every run is checked to have succeeded.
   */
  async throughput(taskId: string, runs: number, eventsPerRun: number): Promise<Throughput> {
    const before = await this.#log();
    const startedAt = performance.now();
    const triggers: Promise<string>[] = [];
    for (let i = 0; i < runs; i++) triggers.push(this.#trigger(taskId));
    const ids = await Promise.all(triggers);
    const triggeredAt = performance.now();
    const expected = before.lastSeq + runs * eventsPerRun;
    while ((await this.#log()).lastSeq < expected)
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    const endedAt = performance.now();
    await this.#check(ids, before.lastSeq);
    return {
      runs,
      triggersPerSecond: (runs / (triggeredAt - startedAt)) * 1000,
      runsPerSecond: (runs / (endedAt - startedAt)) * 1000,
    };
  }

  /** Milliseconds from calling trigger to the first line of the task, one run at a time, workers idle. */
  async firstLineLatencies(taskId: string, samples: number): Promise<number[]> {
    let succeeded: () => void = () => undefined;
    const feed = await this.#successes("new", () => succeeded());
    const latencies: number[] = [];
    for (let i = 0; i < samples; i++) {
      const done = new Promise<void>((resolve) => {
        succeeded = resolve;
      });
      const calledAt = performance.timeOrigin + performance.now();
      const runId = await this.#trigger(taskId);
      await done;
      const run = await this.#client.retrieve(ENV, runId);
      if (run?.status !== "finished" || run.output?.data === undefined)
        throw new Error(`Run ${runId} did not succeed`);
      latencies.push(Number(run.output.data) - calledAt);
    }
    await feed.stop();
    return latencies;
  }

  async close(): Promise<void> {
    await this.#nc.close();
  }

  async #trigger(taskId: string): Promise<string> {
    const triggered = await this.#client.trigger(ENV, taskId, BODY);
    if (!triggered.ok) throw new Error(triggered.message);
    return triggered.runId;
  }

  async #log(): Promise<{ readonly lastSeq: number }> {
    const info = await this.#nc.request(`$JS.API.STREAM.INFO.${RUNS.name}`, undefined, {
      timeout: 30_000,
    });
    return { lastSeq: info.json<{ state: { last_seq: number } }>().state.last_seq };
  }

  async #check(ids: readonly string[], after: number): Promise<void> {
    const missing = new Set(ids);
    const feed = await this.#successes({ after }, (runId) => missing.delete(runId));
    await feed.caughtUp;
    await feed.stop();
    if (missing.size > 0) throw new Error(`${missing.size} runs did not succeed`);
  }

  async #successes(from: FeedOptions["from"], onSuccess: (runId: string) => void): Promise<Feed> {
    return await Feed.start(this.#nc, {
      stream: RUNS.name,
      subjects: ["run.*.*.*.agent"],
      from,
      onMessage: ({ type, subject }) => {
        if (type === "attempt-succeeded") onSuccess(subject.split(".")[3] ?? "");
      },
    });
  }
}
