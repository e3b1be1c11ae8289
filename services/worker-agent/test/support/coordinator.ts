/** Plays the coordinator and the scheduler by hand: triggers, dispatches, signals, timers. */
import { randomBytes } from "node:crypto";
import { Publisher, RunLogReader, type NatsConnection } from "@millrace/nats";
import {
  dispatchSubject,
  encodeBody,
  encodeEvent,
  laneOf,
  makeRunId,
  ownQueue,
  poolOf,
  RUN_ID_RANDOM_BYTES,
  runSubject,
  shardOfQueue,
  signalSubject,
  TIMER,
  type ChildResult,
  type EventData,
  type EventType,
  type LiveRun,
  type RunEvent,
  type RunState,
  type SignalKind,
  type StateOf,
  type Status,
  type Trigger,
} from "@millrace/proto";

export const ENV = "dev";

const GIVE_UP_MS = 15_000;

export class TestCoordinator {
  readonly #publisher: Publisher;
  readonly #reader: RunLogReader;

  constructor(nc: NatsConnection) {
    this.#publisher = new Publisher(nc);
    this.#reader = new RunLogReader(nc);
  }

  /** Stores a trigger and dispatches it. */
  async run(taskId: string, payload?: unknown, options: Partial<Trigger> = {}): Promise<string> {
    const runId = await this.trigger(taskId, payload, options);
    await this.dispatch(runId);
    return runId;
  }

  async trigger(
    taskId: string,
    payload?: unknown,
    options: Partial<Trigger> = {},
  ): Promise<string> {
    const queue = options.queue ?? ownQueue(taskId);
    const random = randomBytes(RUN_ID_RANDOM_BYTES);
    const runId = makeRunId(shardOfQueue(ENV, queue), Date.now(), random);
    const packet = { type: "application/json", data: JSON.stringify(payload ?? null) };
    await this.fact("client", runId, "run-triggered", {
      at: Date.now(),
      env: ENV,
      taskId,
      queue,
      payload: packet,
      tags: [],
      machine: "small-1x",
      isolation: "process",
      pool: "default",
      priorityMs: 0,
      depth: 0,
      isTest: false,
      ...options,
    });
    return runId;
  }

  /** Dispatches a run as its state asks for it. */
  async dispatch(runId: string): Promise<void> {
    const state = await this.state(runId);
    if (state.status !== "queued") throw new Error(`${runId} is ${state.status}, not queued`);
    if (!(await this.dispatchAgain(state)))
      throw new Error(`There is a dispatch of ${runId} already`);
  }

  /** Dispatches a run whatever its state; false when an earlier dispatch is still there. */
  async dispatchAgain(state: LiveRun): Promise<boolean> {
    const { id, trigger, admission, agentSeq, attempt } = state;
    const pool = poolOf(trigger.pool, trigger.version);
    const continues = state.status === "queued" && state.continues;
    const published = await this.#publisher.publish(
      dispatchSubject(ENV, pool, laneOf(trigger.machine, trigger.isolation), id),
      encodeBody({
        attempt: continues ? attempt : attempt + 1,
        continues,
        admission,
        agentSeq,
        ...(attempt === 0 ? { trigger } : {}),
      }),
    );
    return published.kind === "stored";
  }

  async signal(runId: string, kind: SignalKind, agentId: string): Promise<void> {
    const { admission, lastSeq } = await this.state(runId);
    await this.#publisher.publish(
      signalSubject(ENV, agentId, runId, kind, admission),
      encodeBody({ seq: lastSeq }),
    );
  }

  /** What the scheduler does when the run's wait is due. */
  async fireWait(runId: string): Promise<void> {
    const { waits } = await this.state(runId);
    const wait = waits.at(-1);
    if (wait?.kind !== "duration") throw new Error(`${runId} waits for no time`);
    const name = TIMER.wait(waits.length - 1);
    const fired = { at: Date.now(), name, dueAt: wait.until };
    await this.fact("scheduler", runId, "timer-fired", fired);
  }

  /** What a child's coordinator does when the child has ended. */
  async answerChild(runId: string, childIndex: number, result: ChildResult): Promise<void> {
    const { waits } = await this.state(runId);
    const waitIndex = waits.length - 1;
    const finished = { at: Date.now(), waitIndex, childIndex, result };
    await this.fact("coordinator", runId, "child-finished", finished);
  }

  /** What the coordinator does when the token a run waits for was completed. */
  async completeToken(runId: string, output: unknown): Promise<void> {
    const { waits } = await this.state(runId);
    const wait = waits.at(-1);
    if (wait?.kind !== "token") throw new Error(`${runId} waits for no token`);
    const result = {
      ok: true as const,
      output: JSON.stringify(output),
      outputType: "application/json",
    };
    await this.fact("coordinator", runId, "token-completed", {
      at: Date.now(),
      waitIndex: waits.length - 1,
      tokenId: wait.tokenId,
      result,
    });
  }

  /** What the scheduler does when the pause of a run in the queue is over; the run is dispatched again. */
  async retry(runId: string): Promise<void> {
    const { until } = await this.until(runId, "backoff");
    const fired = { at: Date.now(), name: TIMER.retry, dueAt: until };
    await this.fact("scheduler", runId, "timer-fired", fired);
    await this.dispatch(runId);
  }

  async cancel(runId: string): Promise<void> {
    await this.fact("client", runId, "cancel-requested", { at: Date.now() });
  }

  async lose(runId: string, agentId: string): Promise<void> {
    const { attempt } = await this.state(runId);
    await this.fact("coordinator", runId, "attempt-lost", { at: Date.now(), agentId, attempt });
  }

  async state(runId: string): Promise<LiveRun> {
    // The broker may be away for a while.
    const state = await eventually(() => this.#reader.state(ENV, runId));
    if (state.status === "absent") throw new Error(`There is no run ${runId}`);
    return state;
  }

  async events(runId: string): Promise<RunEvent[]> {
    return await this.#reader.read(ENV, runId);
  }

  async until<S extends Status>(
    runId: string,
    status: S,
    isWanted: (state: StateOf<S>) => boolean = () => true,
  ): Promise<StateOf<S>> {
    return await eventually(async () => {
      const state: RunState = await this.#reader.state(ENV, runId);
      const wanted = state as StateOf<S>;
      if (state.status === status && isWanted(wanted)) return wanted;
      throw new Error(`${runId} is ${JSON.stringify(state)}, not ${status}`);
    });
  }

  async fact<T extends EventType>(
    role: "client" | "coordinator" | "scheduler" | "agent",
    runId: string,
    type: T,
    data: EventData<T>,
  ): Promise<void> {
    await this.#publisher.publish(runSubject(ENV, runId, role), encodeEvent(type, data), { type });
  }
}

/** Tries until it does not throw. */
export async function eventually<T>(look: () => Promise<T> | T): Promise<T> {
  const deadline = Date.now() + GIVE_UP_MS;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
