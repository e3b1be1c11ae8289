/**
 * The client's side of runs, straight on the broker: trigger, cancel, read, follow. The gateway, the SDK's direct
 * transport and the agents (for code that triggers from inside a run) all go through here.
 */
import { randomBytes } from "node:crypto";
import {
  acceptTrigger,
  encodeBody,
  encodeEvent,
  fold,
  isRunId,
  LIMITS,
  makeRunId,
  queueKey,
  queueOfTrigger,
  refuse,
  RUN_ID_RANDOM_BYTES,
  runSubject,
  shardOfQueue,
  shardOfRun,
  waitsToFork,
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
import { DebounceKeys } from "./claims/debounce.ts";
import { claimIdempotencyKey, moveIdempotencyKey } from "./claims/idempotency.ts";
import type { Claimant } from "./claims/claim.ts";
import type { NatsConnection } from "./connect.ts";
import { isLarge, newPayloadPath, offload } from "./packets.ts";
import type { Publisher } from "./publisher.ts";
import { replayOf, type ReplayChanges } from "./replay.ts";
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

/**
 * Which run a plan's keys lead to. `isNew`: the caller has to trigger it, under this id; otherwise it is in the log.
 * `isCached`: an idempotency key stood for it.
 */
export type Claimed = {
  readonly runId: string;
  readonly isNew: boolean;
  readonly isCached: boolean;
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
      const isNew = await this.publishTrigger(env, plan.runId, plan.data, deadlineMs);
      return { ok: true, runId: plan.runId, isCached: false, isNew };
    }
    for (;;) {
      const { runId, isNew, isCached } = await this.claim(env, plan, deadlineMs);
      if (!isNew) return { ok: true, runId, isCached, isNew };
      const stored = await this.publishTrigger(env, runId, plan.data, deadlineMs);
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
    const { idempotency, debounce } = plan;
    if (!idempotency && !debounce) return { runId: plan.runId, isNew: true, isCached: false };
    const deadline = Date.now() + deadlineMs;
    let claimed = { runId: plan.runId, isNew: true };
    if (idempotency)
      claimed = await claimIdempotencyKey(this.#claimant, env, plan, idempotency, deadline);
    if (!claimed.isNew || !debounce) return { ...claimed, isCached: !claimed.isNew };
    const from = claimed.runId;
    const named = from === plan.runId ? plan : { ...plan, runId: from };
    const debounced = await this.#debounceKeys.claim(env, named, debounce, deadline);
    const move = { from, to: debounced.runId };
    if (idempotency && move.to !== from)
      await moveIdempotencyKey(this.#claimant, env, plan.data.taskId, idempotency, move);
    return { ...debounced, isCached: false };
  }

  /** Stores a run's first event. A run that is already there stays as it is: then the answer is false. */
  async publishTrigger(
    env: string,
    runId: string,
    data: EventData<"run-triggered">,
    deadlineMs?: number,
  ): Promise<boolean> {
    const published = await this.#publisher.publish(
      runSubject(env, runId, "client"),
      encodeEvent("run-triggered", data),
      {
        type: "run-triggered",
        expectLastSeq: 0,
        ...(deadlineMs === undefined ? {} : { deadlineMs }),
      },
    );
    return published.kind === "stored";
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
    const { parent } = run.trigger;
    const told = [
      ...run.waiters,
      { parentRunId: parent?.runId, waitIndex: parent?.waitIndex, childIndex: parent?.childIndex },
    ];
    const isTold = told.some(
      ({ parentRunId, waitIndex, childIndex }) =>
        parentRunId === waiter.parentRunId &&
        waitIndex === waiter.waitIndex &&
        childIndex === waiter.childIndex,
    );
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
    const events = isRunId(runId) ? await this.reader.read(env, runId) : [];
    if (events.length === 0) return noSuchRun(runId);
    const run = fold(events.filter((event) => event.seq <= seq));
    if (run.status === "absent")
      return refuse("BAD_REQUEST", `Run ${runId} was not there yet at ${seq}`);
    const nowMs = Date.now();
    // A child lives in its queue's shard, which its id names.
    const waits = waitsToFork(run, (childId) =>
      makeRunId(shardOfRun(childId), nowMs, randomBytes(RUN_ID_RANDOM_BYTES)),
    );
    const bytes = encodeBody(waits).length;
    if (bytes > LIMITS.forkBytes)
      return refuse(
        "PAYLOAD_TOO_LARGE",
        `What ${runId} had been answered by then has ${bytes} bytes: a fork takes ${LIMITS.forkBytes}`,
      );
    return await this.#again(env, run, { fork: { runId, seq, waits } });
  }

  async #again(
    env: string,
    run: LiveRun,
    changes: ReplayChanges & { readonly fork?: EventData<"run-triggered">["fork"] },
  ): Promise<{ readonly ok: true; readonly runId: string } | Refusal> {
    const { taskId, queue } = run.trigger;
    const task = await this.#catalog.task(env, taskId);
    if (!task) return refuse("TASK_NOT_FOUND", `Task "${taskId}" is not registered any more`);
    if (!(await this.#catalog.queue(env, queue)))
      return refuse("QUEUE_NOT_FOUND", `Queue "${queue}" does not exist any more`);
    if (changes.region?.includes("@"))
      return refuse("INVALID_OPTION", "A region has no @ in its name");
    const nowMs = Date.now();
    const { fork } = changes;
    const data = {
      ...replayOf(run, task, changes, nowMs),
      ...(fork === undefined ? {} : { fork }),
    };
    const stored = await offload(this.#stores.objects, env, newPayloadPath(), data.payload);
    if (!stored.ok) return stored;
    const { atMs, random } = changes.identity ?? {
      atMs: nowMs,
      random: randomBytes(RUN_ID_RANDOM_BYTES),
    };
    const newRunId = makeRunId(shardOfQueue(env, queue), atMs, random);
    await this.publishTrigger(env, newRunId, { ...data, payload: stored.packet });
    return { ok: true, runId: newRunId };
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

function noSuchRun(runId: string): Refusal {
  return refuse("RUN_NOT_FOUND", `There is no run ${runId}`);
}
