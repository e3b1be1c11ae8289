/** What surrounds coordinators in these tests: a broker, queues, runs, and a ledger that folds the whole log. */
import { randomBytes } from "node:crypto";
import {
  BUCKETS,
  decodeEvent,
  encodeEvent,
  evolve,
  initial,
  makeRunId,
  OBJECT_BUCKETS,
  queueKey,
  queueRecordSchema,
  runSubject,
  shardOfQueue,
  slotConsumer,
  slotFilter,
  tokenKey,
  tokenRecordSchema,
  type EventData,
  type EventType,
  type QueueRecord,
  type Role,
  type RunEvent,
  type RunState,
  type TokenRecord,
  type Trigger,
} from "@millrace/proto";
import {
  Metrics,
  Bucket,
  Feed,
  openBlobs,
  provision,
  Publisher,
  type Blobs,
  type Logger,
  type NatsConnection,
} from "@millrace/service-kit";
import { TestBroker, until } from "@millrace/harness";
import { Agents } from "../src/agents.ts";
import { Leadership } from "../src/leadership.ts";
import { QueueSettings } from "../src/queue-settings.ts";
import { RunMetrics } from "../src/run-metrics.ts";
import { Tokens } from "../src/tokens.ts";
import { trigger } from "./runs.ts";

type Manager = Awaited<ReturnType<TestBroker["manager"]>>;

export class Platform {
  readonly broker: TestBroker;
  readonly nc: NatsConnection;
  readonly publisher: Publisher;
  readonly jsm: Manager;
  readonly ledger: Ledger;
  readonly #queues: Bucket<QueueRecord>;
  readonly #stops: (() => void)[] = [];

  private constructor(
    broker: TestBroker,
    nc: NatsConnection,
    jsm: Manager,
    queues: Bucket<QueueRecord>,
    ledger: Ledger,
  ) {
    this.broker = broker;
    this.nc = nc;
    this.publisher = new Publisher(nc);
    this.jsm = jsm;
    this.#queues = queues;
    this.ledger = ledger;
  }

  static async start(): Promise<Platform> {
    const broker = await TestBroker.start((each) => provision(each, 1));
    const nc = await broker.connect();
    const queues = await Bucket.open(nc, BUCKETS.queues, queueRecordSchema);
    const ledger = new Ledger();
    await Feed.start(nc, {
      stream: "RUNS",
      subjects: ["run.>"],
      from: { after: 0 },
      onMessage: ({ subject, type, data, seq }) => {
        const decoded = decodeEvent(subject, type, data, seq);
        if (decoded.kind === "event") ledger.enter(decoded.event);
      },
    });
    return new Platform(broker, nc, await broker.manager(), queues, ledger);
  }

  /** Registers a queue, or changes its limit and what else is told of it; null is no limit. */
  async queue(
    name: string,
    concurrencyLimit: number | null,
    settings: Partial<QueueRecord> = {},
  ): Promise<void> {
    const record = { name, type: "custom", concurrencyLimit, ...settings } as const;
    await this.#queues.put(queueKey("dev", name), record);
  }

  /** Writes a token's record; `changes` complete it. */
  async token(id: string, changes: Partial<TokenRecord> = {}): Promise<void> {
    const tokens = await Bucket.open(this.nc, BUCKETS.waitpoints, tokenRecordSchema);
    await tokens.put(tokenKey("dev", id), { id, createdAt: Date.now(), tags: [], ...changes });
  }

  /** An id of a run that the queue's shard will own. */
  newRunId(queue: string): string {
    return makeRunId(shardOfQueue("dev", queue), Date.now(), randomBytes(10));
  }

  /** Triggers a run in a queue, for the agents of the pool of the same name. */
  async trigger(queue: string, changes: Partial<Trigger> = {}): Promise<string> {
    const runId = this.newRunId(queue);
    await this.triggerAs(runId, queue, changes);
    return runId;
  }

  async triggerAs(runId: string, queue: string, changes: Partial<Trigger> = {}): Promise<void> {
    const data = { ...trigger, at: Date.now(), queue, pool: queue, ...changes };
    await this.tell(runId, "client", "run-triggered", data);
  }

  async triggerMany(queue: string, count: number): Promise<string[]> {
    return await Promise.all(Array.from({ length: count }, () => this.trigger(queue)));
  }

  async cancel(runId: string): Promise<void> {
    await this.tell(runId, "client", "cancel-requested", { at: Date.now() });
  }

  async tell<T extends EventType>(
    runId: string,
    role: Role,
    type: T,
    data: EventData<T>,
  ): Promise<number> {
    const body = encodeEvent(type, data);
    const published = await this.publisher.publish(runSubject("dev", runId, role), body, { type });
    if (published.kind === "refused") throw new Error(`${type} was refused`);
    return published.seq;
  }

  async untilFinished(runIds: readonly string[], timeoutMs?: number): Promise<void> {
    await until(
      "all runs have finished",
      () => runIds.every((runId) => this.ledger.state(runId).status === "finished"),
      timeoutMs,
    );
  }

  async untilStatus(runId: string, status: RunState["status"]): Promise<void> {
    await until(`the run is ${status}`, () => this.ledger.state(runId).status === status);
  }

  /** Subjects that hold messages in a stream, of those that match. */
  async subjects(stream: string, filter: string): Promise<string[]> {
    const { state } = await this.jsm.streams.info(stream, { subjects_filter: filter });
    return Object.keys(state.subjects ?? {});
  }

  /** The limit the broker keeps for the queue, how many slots it counts as held, and how many messages there are. */
  async gate(
    queue: string,
  ): Promise<{ limit: number; held: number; messages: number; ids: string[] }> {
    const name = { env: "dev", queue };
    const { durable_name, stream } = slotConsumer(name, 1);
    const info = await this.jsm.consumers.info(stream, durable_name);
    const ids = await this.subjects(stream, slotFilter(name));
    return {
      limit: info.config.max_ack_pending ?? 0,
      held: info.num_ack_pending,
      messages: ids.length,
      ids,
    };
  }

  async untilGateIsClear(queue: string): Promise<void> {
    let last: unknown;
    await until("no slot is held or asked for", async () => {
      const gate = await this.gate(queue);
      last = gate;
      return gate.held === 0 && gate.messages === 0;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${JSON.stringify(last)}`);
    });
  }

  async coordinator(
    options: { readonly url?: string; readonly blobs?: Blobs } = {},
  ): Promise<Coordinator> {
    return await Coordinator.start(this.broker, options);
  }

  /** Something that must stop before the broker does. */
  onStop(stop: () => void): void {
    this.#stops.push(stop);
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops) stop();
    await this.broker.stop();
  }
}

/** The whole log, folded. */
export class Ledger {
  readonly events: RunEvent[] = [];
  readonly #states = new Map<string, RunState>();
  readonly #peaks = new Map<string, { slots: number; executing: number }>();
  readonly #starts: string[] = [];

  enter(event: RunEvent): void {
    this.events.push(event);
    const before = this.state(event.runId);
    const after = evolve(before, event);
    this.#states.set(event.runId, after);
    if (after.status === "absent") return;
    if (after.status === "executing" && before.status === "queued") this.#starts.push(event.runId);
    const { queue } = after.trigger;
    const runs = [...this.#states.values()].filter(
      (run) => run.status !== "absent" && run.trigger.queue === queue,
    );
    const peak = this.#peaks.get(queue) ?? { slots: 0, executing: 0 };
    this.#peaks.set(queue, {
      slots: Math.max(peak.slots, runs.filter((run) => "slot" in run && run.slot !== null).length),
      executing: Math.max(
        peak.executing,
        runs.filter((run) => run.status === "executing" || run.status === "retrying").length,
      ),
    });
  }

  state(runId: string): RunState {
    return this.#states.get(runId) ?? initial;
  }

  of(runId: string): RunEvent[] {
    return this.events.filter((event) => event.runId === runId);
  }

  types(runId: string): EventType[] {
    return this.of(runId).map((event) => event.type);
  }

  /** The greatest number of the queue's runs that ever held a slot, or executed, at the same time. */
  peak(queue: string): { readonly slots: number; readonly executing: number } {
    return this.#peaks.get(queue) ?? { slots: 0, executing: 0 };
  }

  /** Runs in the order in which they began to execute. */
  started(runIds: readonly string[]): string[] {
    return this.#starts.filter((runId) => runIds.includes(runId));
  }
}

export type LogLine = { readonly level: string; readonly fields: unknown; readonly text: unknown };

/** What `main.ts` wires together, over a connection of its own. */
export class Coordinator {
  readonly leadership: Leadership;
  readonly log: readonly LogLine[];
  readonly #queues: QueueSettings;
  readonly #nc: NatsConnection;

  private constructor(
    leadership: Leadership,
    queues: QueueSettings,
    nc: NatsConnection,
    log: readonly LogLine[],
  ) {
    this.leadership = leadership;
    this.#queues = queues;
    this.#nc = nc;
    this.log = log;
  }

  static async start(
    broker: TestBroker,
    options: { readonly url?: string; readonly blobs?: Blobs },
  ): Promise<Coordinator> {
    const nc = await broker.connect(options.url);
    const lines: LogLine[] = [];
    const log = loggerInto(lines);
    const queues = await QueueSettings.open(nc, log);
    const leadership = await Leadership.start(nc, `coordinator_${randomBytes(4).toString("hex")}`, {
      nc,
      publisher: new Publisher(nc),
      log,
      blobs: options.blobs ?? (await openBlobs(nc, OBJECT_BUCKETS.snapshots.name, 1)),
      agents: await Agents.open(nc),
      queues,
      tokens: await Tokens.open(nc, log),
      metrics: new RunMetrics(new Metrics()),
    });
    return new Coordinator(leadership, queues, nc, lines);
  }

  /** Resolves when it has heard that the queue is paused. */
  async untilPaused(queue: string): Promise<void> {
    await until("the pause is known", () => this.#queues.of("dev", queue)?.paused === true);
  }

  async stop(): Promise<void> {
    await this.leadership.stop();
    await this.#nc.close();
  }
}

export function loggerInto(lines: LogLine[]): Logger {
  const at = (level: string) => (fields: unknown, text?: unknown) => {
    lines.push({ level, fields, text });
  };
  const logger = {
    trace: at("trace"),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    fatal: at("fatal"),
  };
  return logger as unknown as Logger;
}
