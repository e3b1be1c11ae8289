/**
 * The client's side of runs, straight on the broker: trigger, cancel, read, follow. The gateway, the SDK's direct
 * transport and the agents (for code that triggers from inside a run) all go through here.
 */
import { randomBytes } from "node:crypto";
import {
  acceptTrigger,
  encodeEvent,
  isRunId,
  queueOfTrigger,
  refuse,
  RUN_ID_RANDOM_BYTES,
  runSubject,
  type Accepted,
  type EventData,
  type Lineage,
  type LiveRun,
  type Refusal,
  type RunEvent,
  type RunState,
  type TriggerBody,
} from "@millrace/proto";
import type { Catalog } from "./catalog.ts";
import type { NatsConnection } from "./connect.ts";
import type { Publisher } from "./publisher.ts";
import { followRun, RunLogReader } from "./run-log.ts";

export type Triggered = { readonly ok: true; readonly runId: string };

export type TriggerExtras = {
  readonly lineage?: Lineage;
  /** An id made earlier: triggering it twice makes one run. */
  readonly runId?: string;
  readonly deadlineMs?: number;
};

export class RunClient {
  readonly reader: RunLogReader;
  readonly #nc: NatsConnection;
  readonly #publisher: Publisher;
  readonly #catalog: Catalog;

  constructor(nc: NatsConnection, publisher: Publisher, catalog: Catalog) {
    this.#nc = nc;
    this.#publisher = publisher;
    this.#catalog = catalog;
    this.reader = new RunLogReader(nc);
  }

  /**
   * Decides about a trigger and, when it is accepted, stores the run's first event.
   * @throws BrokerUnavailableError when it is not known whether the run was triggered
   */
  async trigger(
    env: string,
    taskId: string,
    body: TriggerBody,
    extras: TriggerExtras = {},
  ): Promise<Triggered | Refusal> {
    const plan = await this.plan(env, taskId, body, extras);
    if (!plan.ok) return plan;
    await this.publishTrigger(env, plan.runId, plan.data, extras.deadlineMs);
    return { ok: true, runId: plan.runId };
  }

  /** The decision alone; stores nothing. */
  async plan(
    env: string,
    taskId: string,
    body: TriggerBody,
    extras: TriggerExtras = {},
  ): Promise<Accepted | Refusal> {
    const known = this.#catalog.known(env, taskId, (task) => queueOfTrigger(task, body));
    const task = known?.task ?? (await this.#catalog.task(env, taskId));
    const queue =
      known?.queue ?? (task && (await this.#catalog.queue(env, queueOfTrigger(task, body))));
    return acceptTrigger(taskId, body, {
      env,
      task,
      queue,
      nowMs: Date.now(),
      identity:
        extras.runId === undefined ? randomBytes(RUN_ID_RANDOM_BYTES) : { runId: extras.runId },
      ...(extras.lineage ? { lineage: extras.lineage } : {}),
    });
  }

  /** Stores a run's first event. A run that is already there stays as it is. */
  async publishTrigger(
    env: string,
    runId: string,
    data: EventData<"run-triggered">,
    deadlineMs?: number,
  ): Promise<void> {
    await this.#publisher.publish(
      runSubject(env, runId, "client"),
      encodeEvent("run-triggered", data),
      {
        type: "run-triggered",
        expectLastSeq: 0,
        ...(deadlineMs === undefined ? {} : { deadlineMs }),
      },
    );
  }

  /** The run's folded state; undefined when there is none. */
  async retrieve(env: string, runId: string): Promise<LiveRun | undefined> {
    if (!isRunId(runId)) return undefined;
    const state = await this.reader.state(env, runId);
    return state.status === "absent" ? undefined : state;
  }

  /** Asks for the run's end. A run that has ended stays as it ended. */
  async cancel(env: string, runId: string): Promise<{ readonly ok: true } | Refusal> {
    const run = await this.retrieve(env, runId);
    if (!run) return refuse("RUN_NOT_FOUND", `There is no run ${runId}`);
    if (run.status === "finished") return { ok: true };
    await this.#publisher.publish(
      runSubject(env, runId, "client"),
      encodeEvent("cancel-requested", { at: Date.now() }),
      { type: "cancel-requested" },
    );
    return { ok: true };
  }

  /** See `followRun`. */
  async follow(
    env: string,
    runId: string,
    onState: (state: RunState, events: readonly RunEvent[]) => void,
    onError: (error: unknown) => void,
  ): Promise<{ stop(): void }> {
    return await followRun(this.#nc, this.reader, env, runId, onState, onError);
  }
}
