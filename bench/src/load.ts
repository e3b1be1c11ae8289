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
import { decodeEvent, RUNS, type TriggerBody, type TriggerOptions } from "@millrace/proto";

type OptionsOf = (n: number) => TriggerOptions;
const NO_OPTIONS: OptionsOf = () => ({});
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
  async throughput(
    taskId: string,
    runs: number,
    eventsPerRun: number,
    optionsOf: OptionsOf = NO_OPTIONS,
  ): Promise<Throughput> {
    const before = await this.#log();
    const startedAt = performance.now();
    const ids = await this.triggerMany(taskId, runs, optionsOf);
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

  /** Ids in the order of `optionsOf`'s numbers, which begin at 0. */
  async triggerMany(taskId: string, runs: number, optionsOf: OptionsOf): Promise<string[]> {
    return await Promise.all(
      Array.from({ length: runs }, (_, n) => this.#trigger(taskId, null, optionsOf(n))),
    );
  }

  /** One run's output, when it has succeeded. */
  async outputOf(taskId: string, payload: unknown): Promise<unknown> {
    let succeeded: (runId: string) => void = () => undefined;
    const feed = await this.#successes("new", (runId) => succeeded(runId));
    const started = this.#trigger(taskId, payload);
    const ended = new Promise<void>((resolve) => {
      const seen = new Set<string>();
      succeeded = (runId) => {
        seen.add(runId);
        void started.then((id) => {
          if (seen.has(id)) resolve();
        });
      };
    });
    const runId = await started;
    await ended;
    await feed.stop();
    const run = await this.#client.retrieve(ENV, runId);
    if (run?.status !== "finished" || run.output?.data === undefined)
      throw new Error(`Run ${runId} did not succeed`);
    return JSON.parse(run.output.data);
  }

  /** Follows when runs are triggered, start and end, from now on. */
  async watchStarts(): Promise<Starts> {
    return await Starts.open(this.#nc);
  }

  async close(): Promise<void> {
    await this.#nc.close();
  }

  async #trigger(
    taskId: string,
    payload: unknown = null,
    options: TriggerOptions = {},
  ): Promise<string> {
    const body: TriggerBody = {
      payload: JSON.stringify(payload),
      options: { payloadType: "application/json", ...options },
    };
    const triggered = await this.#client.trigger(ENV, taskId, body);
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

/** Times of runs, by the clocks of those who state them: all on one machine. */
export class Starts {
  finished = 0;
  readonly #triggeredAt = new Map<string, number>();
  readonly #startedAt = new Map<string, number>();
  #feed: Feed | undefined;

  static async open(nc: NatsConnection): Promise<Starts> {
    const starts = new Starts();
    starts.#feed = await Feed.start(nc, {
      stream: RUNS.name,
      subjects: ["run.*.*.*.client", "run.*.*.*.agent"],
      from: "new",
      onMessage: ({ subject, type, data, seq }) => {
        const decoded = decodeEvent(subject, type, data, seq);
        if (decoded.kind !== "event") return;
        const { event } = decoded;
        if (event.type === "run-triggered") starts.#triggeredAt.set(event.runId, event.data.at);
        else if (event.type === "attempt-started")
          starts.#startedAt.set(event.runId, event.data.at);
        else if (event.type === "attempt-succeeded") starts.finished++;
      },
    });
    return starts;
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }

  /** Milliseconds from its trigger to its start. */
  waitOf(runId: string): number {
    return (this.#startedAt.get(runId) ?? Infinity) - (this.#triggeredAt.get(runId) ?? 0);
  }

  async stop(): Promise<void> {
    await this.#feed?.stop();
  }
}
