/** An agent that runs no code: it claims what is dispatched to it, and does what the test says about it. */
import { randomBytes } from "node:crypto";
import {
  agentRecordSchema,
  BUCKETS,
  decodeBody,
  dispatchConsumer,
  dispatchSchema,
  encodeEvent,
  parseSignalSubject,
  poolOf,
  runSubject,
  agentKey,
  signalConsumer,
  type ChildResult,
  type EventData,
  type Preset,
  type Signal,
  type TokenResult,
} from "@millrace/proto";
import {
  ACK,
  Bucket,
  ensureConsumer,
  PullLoop,
  RunLogReader,
  type Delivery,
} from "@millrace/service-kit";
import type { Platform } from "./platform.ts";

export type Work = (run: ClaimedRun) => Promise<void>;

type Options = {
  /** Default: succeeds at once. */
  readonly work?: Work;
  readonly capacity?: number;
  /** The one preset it takes; default `small-1x`. */
  readonly machine?: Preset;
  /** The version of the tasks it serves: it takes only runs that are locked to it. */
  readonly version?: string;
};

const RENEW_MS = 5000;

export class FakeAgent {
  readonly id = `agent_${randomBytes(4).toString("hex")}`;
  readonly signals: Signal[] = [];
  readonly #platform: Platform;
  readonly #pool: string;
  readonly #work: Work;
  readonly #capacity: number;
  readonly #machine: Preset;
  readonly #version: string | undefined;
  readonly #runs = new Map<string, ClaimedRun>();
  readonly #reader: RunLogReader;
  #loops: PullLoop[] = [];
  #presence: NodeJS.Timeout | undefined;

  private constructor(platform: Platform, pool: string, options: Options) {
    this.#platform = platform;
    this.#pool = pool;
    this.#work = options.work ?? ((run) => run.succeed());
    this.#capacity = options.capacity ?? 100;
    this.#machine = options.machine ?? "small-1x";
    this.#version = options.version;
    this.#reader = new RunLogReader(platform.nc);
  }

  static async join(platform: Platform, pool: string, options: Options = {}): Promise<FakeAgent> {
    const agent = new FakeAgent(platform, pool, options);
    await agent.show();
    platform.onStop(() => agent.#stop());
    const { nc } = platform;
    const lane = dispatchConsumer("dev", poolOf(pool, options.version), agent.#machine);
    const signals = signalConsumer("dev", agent.id);
    await ensureConsumer(nc, lane);
    await ensureConsumer(nc, signals);
    const loop = (definition: typeof lane, onMessage: (delivery: Delivery) => void): PullLoop =>
      new PullLoop(nc, {
        stream: definition.stream,
        consumer: () => definition.durable_name,
        ensure: () => ensureConsumer(nc, definition),
        onMessage,
      });
    const dispatches = loop(lane, (delivery) => {
      void agent.#claim(delivery).then(() => {
        dispatches.want(agent.#capacity - agent.#runs.size);
      });
    });
    const orders = loop(signals, (delivery) => {
      agent.#told(delivery);
      orders.want(10);
    });
    agent.#loops = [dispatches, orders];
    dispatches.want(agent.#capacity);
    orders.want(10);
    return agent;
  }

  /** Its presence is gone, while it lives on. */
  async hide(): Promise<void> {
    clearInterval(this.#presence);
    const bucket = await Bucket.open(this.#platform.nc, BUCKETS.agents, agentRecordSchema);
    await bucket.delete(agentKey("dev", this.id));
  }

  async show(): Promise<void> {
    await this.#announce();
    this.#presence = setInterval(() => void this.#announce().catch(() => undefined), RENEW_MS);
  }

  async #announce(): Promise<void> {
    const bucket = await Bucket.open(this.#platform.nc, BUCKETS.agents, agentRecordSchema);
    await bucket.put(agentKey("dev", this.id), {
      id: this.id,
      env: "dev",
      pool: this.#pool,
      host: "here",
      pid: 1,
      startedAt: 1,
      presets: [this.#machine],
      cpus: 8,
      memoryGb: 8,
      capacity: { [this.#machine]: this.#capacity },
      ...(this.#version === undefined ? {} : { version: this.#version }),
      draining: false,
    });
  }

  /** Dies: says nothing more, takes nothing more, and its presence is gone. */
  async vanish(): Promise<void> {
    this.#stop();
    await this.hide();
  }

  #stop(): void {
    clearInterval(this.#presence);
    for (const loop of this.#loops) loop.stop();
  }

  async #claim({ subject, data, reply }: Delivery): Promise<void> {
    const runId = subject.slice(subject.lastIndexOf(".") + 1);
    const dispatch = dispatchSchema.parse(decodeBody(data));
    const { publisher, nc } = this.#platform;
    let { agentSeq, attempt, continues } = dispatch;
    for (;;) {
      const claim = { at: Date.now(), attempt, agentId: this.id, claimId: "c", continues };
      const published = await publisher.publish(
        runSubject("dev", runId, "agent"),
        encodeEvent("attempt-started", { ...claim, maxAttempts: null }),
        { type: "attempt-started", expectLastSeq: agentSeq },
      );
      if (published.kind === "stored") break;
      const state = await this.#reader.state("dev", runId);
      if (state.status !== "queued" || state.agentId !== null) {
        nc.publish(reply, ACK);
        return;
      }
      ({ agentSeq, continues } = state);
      attempt = continues ? state.attempt : state.attempt + 1;
    }
    nc.publish(reply, ACK);
    const run = new ClaimedRun(this.#platform, this.id, runId, attempt, continues);
    this.#runs.set(runId, run);
    void this.#work(run).finally(() => {
      if (this.#runs.get(runId) === run) this.#runs.delete(runId);
      this.#loops[0]?.want(this.#capacity - this.#runs.size);
    });
  }

  #told({ subject, reply }: Delivery): void {
    const signal = parseSignalSubject(subject);
    this.#platform.nc.publish(reply, ACK);
    if (!signal) return;
    this.signals.push(signal);
    this.#runs.get(signal.runId)?.told(signal);
  }
}

/** An attempt this agent has claimed. */
export class ClaimedRun {
  readonly runId: string;
  readonly attempt: number;
  readonly continues: boolean;
  readonly #platform: Platform;
  readonly #agentId: string;
  /** Resolves when the agent is told to cancel the run. */
  readonly canceled: Promise<void>;
  #cancel: () => void = () => undefined;
  #resumed: ((admission: number) => void) | undefined;

  constructor(
    platform: Platform,
    agentId: string,
    runId: string,
    attempt: number,
    continues: boolean,
  ) {
    this.#platform = platform;
    this.#agentId = agentId;
    this.runId = runId;
    this.attempt = attempt;
    this.continues = continues;
    this.canceled = new Promise((resolve) => {
      this.#cancel = resolve;
    });
  }

  async succeed(output = '"done"'): Promise<void> {
    await this.#tell("attempt-succeeded", {
      ...this.#attempt(),
      durationMs: 1,
      output: { data: output, type: "application/json" },
    });
  }

  async fail(retry: EventData<"attempt-failed">["retry"] = null): Promise<void> {
    const error = { type: "STRING_ERROR", raw: "boom" } as const;
    await this.#tell("attempt-failed", { ...this.#attempt(), durationMs: 1, error, retry });
  }

  async cancel(): Promise<void> {
    await this.#tell("attempt-canceled", { ...this.#attempt(), durationMs: 1 });
  }

  /** Waits without holding anything; resolves when the run may go on here. */
  async waitUntil(until: number, index = 0): Promise<void> {
    await this.#wait(index, { kind: "duration", key: `until:${until}`, until });
  }

  async waitFor(children: readonly string[], index = 0): Promise<(ChildResult | null)[]> {
    await this.#wait(index, {
      kind: "children",
      key: "children",
      batchId: null,
      children: children.map((runId) => ({ runId, taskId: "child" })),
    });
    const state = await new RunLogReader(this.#platform.nc).state("dev", this.runId);
    const wait = state.status === "absent" ? undefined : state.waits[index];
    return wait?.kind === "children" ? wait.children.map((child) => child.result) : [];
  }

  async waitForToken(tokenId: string, timeoutAt?: number): Promise<TokenResult | null> {
    const timeout = timeoutAt === undefined ? {} : { timeoutAt };
    await this.#wait(0, { kind: "token", key: `token:${tokenId}`, tokenId, ...timeout });
    const state = await new RunLogReader(this.#platform.nc).state("dev", this.runId);
    const wait = state.status === "absent" ? undefined : state.waits[0];
    return wait?.kind === "token" ? wait.result : null;
  }

  told({ kind, admission }: Signal): void {
    if (kind === "cancel") this.#cancel();
    if (kind === "resume") this.#resumed?.(admission);
  }

  async #wait(index: number, wait: EventData<"wait-started">["wait"]): Promise<void> {
    const resumed = new Promise<number>((resolve) => {
      this.#resumed = resolve;
    });
    await this.#tell("wait-started", { ...this.#attempt(), index, durationMs: 1, wait });
    const admission = await resumed;
    await this.#tell("attempt-resumed", { ...this.#attempt(), admission });
  }

  #attempt(): { at: number; attempt: number; agentId: string } {
    return { at: Date.now(), attempt: this.attempt, agentId: this.#agentId };
  }

  async #tell<T extends Parameters<Platform["tell"]>[2]>(
    type: T,
    data: EventData<T>,
  ): Promise<void> {
    await this.#platform.tell(this.runId, "agent", type, data);
  }
}
