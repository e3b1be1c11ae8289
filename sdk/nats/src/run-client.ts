/**
 * The client's side of runs, straight on the broker: trigger, cancel, read, follow. The gateway, the SDK's direct
 * transport and the agents (for code that triggers from inside a run) all go through here.
 */
import { randomBytes } from "node:crypto";
import {
  acceptTrigger,
  encodeEvent,
  isRunId,
  isWaiter,
  noSuchRun,
  queueKey,
  queueOfTrigger,
  RUN_ID_RANDOM_BYTES,
  runSubject,
  type Accepted,
  type EventData,
  type Lineage,
  type LiveRun,
  type QueueRecord,
  type Refusal,
  type RunEvent,
  type RunState,
  type TriggerBody,
  type Waiter,
} from "@millrace/proto";
import type { Catalog } from "./catalog.ts";
import { claimRun, type Claimed } from "./claims/claim-run.ts";
import type { Claimant } from "./claims/claim.ts";
import { DebounceKeys } from "./claims/debounce.ts";
import type { NatsConnection } from "./connect.ts";
import { forkOf, type Fork } from "./fork.ts";
import { isLarge, newPayloadPath, offload } from "./packets.ts";
import type { Publisher } from "./publisher.ts";
import { repeatOf } from "./repeat.ts";
import type { ReplayChanges } from "./replay.ts";
import { followRun, RunLogReader } from "./run-log.ts";
import { Stores } from "./stores.ts";

/** `isCached`: an idempotency key stood for this run already. */
export type Triggered = {
  readonly ok: true;
  readonly runId: string;
  readonly isCached: boolean;
  /** Stored by this call: not there before. */
  readonly isNew: boolean;
};

export type TriggerExtras = {
  readonly lineage?: Lineage;
  /** An id made earlier: triggering it twice makes one run. */
  readonly runId?: string;
  readonly deadlineMs?: number;
};

const CLAIM_DEADLINE_MS = 10_000;

export class RunClient {
  readonly reader: RunLogReader;
  readonly #nc: NatsConnection;
  readonly #publisher: Publisher;
  readonly #catalog: Catalog;
  readonly #stores: Stores;
  readonly #claimant: Claimant;
  readonly #debounceKeys: DebounceKeys;

  constructor(nc: NatsConnection, publisher: Publisher, catalog: Catalog) {
    this.#nc = nc;
    this.#publisher = publisher;
    this.#catalog = catalog;
    this.reader = new RunLogReader(nc);
    this.#stores = new Stores(nc);
    this.#claimant = { stores: this.#stores, reader: this.reader, publisher };
    this.#debounceKeys = new DebounceKeys(this.#claimant);
  }

  /**
   * Decides about a trigger and, when it is accepted, stores the run's first event, or finds the run its keys stand for.
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
    return await this.triggerPlanned(env, plan, extras.deadlineMs);
  }

  /**
   * The decision alone. It stores only what a trigger refers to: a payload too large for an event, and a queue the
   * trigger brings its limit for and nobody has declared.
   */
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
    const newQueue = queue ? undefined : queueOf(body);
    const plan = acceptTrigger(taskId, body, {
      env,
      task,
      queue: queue ?? newQueue,
      nowMs: Date.now(),
      identity:
        extras.runId === undefined ? randomBytes(RUN_ID_RANDOM_BYTES) : { runId: extras.runId },
      ...(extras.lineage ? { lineage: extras.lineage } : {}),
    });
    if (!plan.ok) return plan;
    if (newQueue) await this.#createQueue(env, newQueue);
    return isLarge(plan.data.payload) ? await this.#offloaded(env, plan) : plan;
  }

  /** Does what `trigger` does with a plan that was accepted. */
  async triggerPlanned(env: string, plan: Accepted, deadlineMs?: number): Promise<Triggered> {
    if (!plan.idempotency && !plan.debounce) {
      const seq = await this.publishTrigger(env, plan.runId, plan.data, deadlineMs);
      return { ok: true, runId: plan.runId, isCached: false, isNew: seq !== undefined };
    }
    for (;;) {
      const { runId, isNew, isCached } = await this.claim(env, plan, deadlineMs);
      if (!isNew) return { ok: true, runId, isCached, isNew };
      const seq = await this.publishTrigger(env, runId, plan.data, deadlineMs);
      const stored = seq !== undefined;
      // Another trigger of the debounce key was faster: this one has still to move its run.
      if (!stored && plan.debounce) continue;
      return { ok: true, runId, isCached: !stored, isNew: stored };
    }
  }

  /**
   * Follows the plan's idempotency or debounce key to a run. A plan without keys is its own run, without any I/O.
   *
   * When `publishTrigger` of a new run then says that it was there already, another trigger with the key was faster: the
   * run is that one's, and who wants to wait for it calls `awaitRun`.
   * @param deadlineMs how long others may be faster; default 10 s
   * @throws BrokerUnavailableError
   */
  async claim(
    env: string,
    plan: Accepted,
    deadlineMs: number = CLAIM_DEADLINE_MS,
  ): Promise<Claimed> {
    if (!plan.idempotency && !plan.debounce)
      return { runId: plan.runId, isNew: true, isCached: false };
    const deadline = Date.now() + deadlineMs;
    return await claimRun(this.#claimant, this.#debounceKeys, env, plan, deadline);
  }

  /** Stores a run's first event; its sequence. A run that is already there stays as it is: then undefined. */
  async publishTrigger(
    env: string,
    runId: string,
    data: EventData<"run-triggered">,
    deadlineMs?: number,
  ): Promise<number | undefined> {
    const published = await this.#publisher.publish(
      runSubject(env, runId, "client"),
      encodeEvent("run-triggered", data),
      {
        type: "run-triggered",
        expectLastSeq: 0,
        ...(deadlineMs === undefined ? {} : { deadlineMs }),
      },
    );
    return published.kind === "stored" ? published.seq : undefined;
  }

  /**
   * Has this waiting parent told, too, how the run ends: a parent that found it by a key, and is not the one it names.
   * Doing it again changes nothing. Refused when the run is not in the log.
   */
  async awaitRun(
    env: string,
    runId: string,
    waiter: Waiter,
  ): Promise<{ readonly ok: true } | Refusal> {
    const run = await this.retrieve(env, runId);
    if (!run) return noSuchRun(runId);
    const isTold = isWaiter(run, waiter);
    // Told of a run that has ended, a parent may have begun anew since: with a retry its waits are numbered from 0 again.
    if (isTold && run.status !== "finished") return { ok: true };
    const { parentRunId, waitIndex, childIndex } = waiter;
    await this.#publisher.publish(
      runSubject(env, runId, "client"),
      encodeEvent("run-awaited", { at: Date.now(), parentRunId, waitIndex, childIndex }),
      { type: "run-awaited" },
    );
    return { ok: true };
  }

  /** Triggers a run again, as it was triggered; see `replayOf` for what is not repeated. */
  async replay(
    env: string,
    runId: string,
    changes: ReplayChanges = {},
  ): Promise<{ readonly ok: true; readonly runId: string } | Refusal> {
    const run = await this.retrieve(env, runId);
    return run ? await this.#again(env, run, changes) : noSuchRun(runId);
  }

  /**
   * Triggers a run again, to go on from where it was at a place in its log: what its code had waited for by then is
   * answered, the rest happens anew, by the code as it is today.
   * @param seq up to this sequence its log counts
   */
  async fork(
    env: string,
    runId: string,
    seq: number,
  ): Promise<{ readonly ok: true; readonly runId: string } | Refusal> {
    const forked = await forkOf(this.reader, env, runId, seq);
    return forked.ok ? await this.#again(env, forked.run, { fork: forked.fork }) : forked;
  }

  async #again(
    env: string,
    run: LiveRun,
    changes: ReplayChanges & { readonly fork?: Fork },
  ): Promise<{ readonly ok: true; readonly runId: string } | Refusal> {
    const parts = { catalog: this.#catalog, stores: this.#stores };
    const repeat = await repeatOf(parts, env, run, changes);
    if (!repeat.ok) return repeat;
    await this.publishTrigger(env, repeat.runId, repeat.data);
    return { ok: true, runId: repeat.runId };
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
    if (!run) return noSuchRun(runId);
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

  /** A record that is there already counts, whatever its limit. */
  async #createQueue(env: string, record: QueueRecord): Promise<void> {
    const made = await (await this.#stores.queues()).create(queueKey(env, record.name), record);
    if (made !== undefined) this.#catalog.learn(env, record);
  }

  async #offloaded(env: string, plan: Accepted): Promise<Accepted | Refusal> {
    const { data } = plan;
    const stored = await offload(this.#stores.objects, env, newPayloadPath(), data.payload);
    return stored.ok ? { ...plan, data: { ...data, payload: stored.packet } } : stored;
  }
}

/** The queue a trigger brings along. */
function queueOf(body: TriggerBody): QueueRecord | undefined {
  const { name, concurrencyLimit } = body.options?.queue ?? {};
  if (name === undefined || typeof concurrencyLimit !== "number") return undefined;
  return { name, type: "custom", concurrencyLimit };
}
