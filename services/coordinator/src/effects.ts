/**
 * Everything a shard's leader writes. Each effect is idempotent in the broker, is tried until it is acknowledged, and
 * is dropped when the lease is no longer valid: the next leader derives it anew from the log. Nothing is sent after that.
 */
import {
  decodeBody,
  dispatchSchema,
  dispatchSubject,
  dueSubject,
  encodeBody,
  encodeEvent,
  laneOf,
  poolOf,
  DISPATCH,
  RESUME,
  runSubject,
  scheduleHeaders,
  signalSubject,
  TIMERS,
  timerSubject,
  type Dispatch,
  type EventData,
  type EventType,
  type Queued,
  type SignalKind,
} from "@millrace/proto";
import {
  BrokerRefusedError,
  lastMessages,
  purgeSubject,
  type Lease,
  type Logger,
  type NatsConnection,
  type Published,
  type Publisher,
  type PublishOptions,
} from "@millrace/service-kit";
import { hasPayload } from "./lean.ts";

const PATIENCE_MS = 10_000;
const RETRY_MS = 500;
/** The broker's code for a message over its limit. */
const MESSAGE_TOO_LARGE = 10054;

type RunName = { readonly env: string; readonly runId: string };

export class Effects {
  readonly #nc: NatsConnection;
  readonly #publisher: Publisher;
  readonly #lease: Lease;
  readonly #log: Logger;
  readonly #inProgress = new Map<string, Promise<unknown>>();
  /** Begun and not ended: also those that wait for their turn in the publisher. */
  #open = 0;
  #whenSettled: (() => void)[] = [];

  constructor(nc: NatsConnection, publisher: Publisher, lease: Lease, log: Logger) {
    this.#nc = nc;
    this.#publisher = publisher;
    this.#lease = lease;
    this.#log = log;
  }

  /** States a fact in a run's log. False when it is one the broker will never take. */
  async append<T extends EventType>(
    { env, runId }: RunName,
    type: T,
    data: EventData<T>,
  ): Promise<boolean> {
    const subject = runSubject(env, runId, "coordinator");
    return (await this.#publish(subject, encodeEvent(type, data), { type }))?.kind !== "never";
  }

  /**
   * Makes the run available to agents; one that is available already stays so. A dispatch for an earlier admission gives
   * way: its acknowledgement may be on its way to another node of the broker, or be all that a full disk has kept of it;
   * then nobody would ever be given it.
   */
  async dispatch(run: Queued): Promise<void> {
    const subject = dispatchSubjectOf(run);
    const body = encodeBody(dispatchOf(run));
    await this.#inTurn(subject, async () => {
      for (;;) {
        const done = await this.#publish(subject, body, {});
        if (done?.kind !== "refused" || !(await this.#removeVoid(subject, run.admission))) return;
      }
    });
  }

  async withdrawDispatch(run: Queued): Promise<void> {
    await this.#purge(DISPATCH.name, dispatchSubjectOf(run));
  }

  /** `seq`: the log's sequence the agent must have seen to understand why. */
  async signal(
    { env, runId }: RunName,
    agentId: string,
    kind: SignalKind,
    admission: number,
    seq: number,
  ): Promise<void> {
    const subject = signalSubject(env, agentId, runId, kind, admission);
    await this.#inTurn(subject, () => this.#publish(subject, encodeBody({ seq }), {}));
  }

  async withdrawResume({ env, runId }: RunName, agentId: string, admission: number): Promise<void> {
    await this.#purge(RESUME.name, signalSubject(env, agentId, runId, "resume", admission));
  }

  /**
   * Arms a timer; arming it again moves it. What was sent again because no answer came may arrive after the run has gone on:
   * an arming takes the place of the one it knows of, and of no other.
   * @param admission the run's, as it is now
   */
  async armTimer(
    { env, runId }: RunName,
    name: string,
    at: number,
    admission: number,
  ): Promise<void> {
    const subject = timerSubject(env, runId, name);
    const headers = scheduleHeaders(at, dueSubject(env, runId, name));
    const body = encodeBody({ dueAt: at, admission });
    await this.#inTurn(subject, async () => {
      let expectLastSeq = 0;
      for (;;) {
        const done = await this.#publish(subject, body, { headers, expectLastSeq });
        if (done?.kind !== "refused") return;
        // Where the broker does not say what is there, another arming is being stored.
        if (done.lastSeq === undefined) await pause();
        else expectLastSeq = done.lastSeq;
      }
    });
  }

  async disarmTimer({ env, runId }: RunName, name: string): Promise<void> {
    await this.#purge(TIMERS.name, timerSubject(env, runId, name));
  }

  /**
   * Resolves when nothing is on its way any more; a lease that is given back before could be somebody else's while its
   * former holder's facts still arrive.
   */
  async settled(): Promise<void> {
    if (this.#open > 0) await new Promise<void>((resolve) => this.#whenSettled.push(resolve));
  }

  /** Stores a message in any stream: a request for a slot. */
  async ask(subject: string): Promise<void> {
    await this.#publish(subject, NOTHING, {});
  }

  /** `never`: the broker will never take it. Undefined: the lease was over first. */
  async #publish(
    subject: string,
    body: Uint8Array,
    options: Pick<PublishOptions, "type" | "headers" | "expectLastSeq">,
  ): Promise<Published | { readonly kind: "never" } | undefined> {
    let done: Published | undefined;
    this.#open++;
    // The first try is synchronous: effects reach the broker in the order they were decided.
    while (this.#lease.valid)
      try {
        const deadlineMs = Math.min(PATIENCE_MS, this.#lease.validForMs);
        done = await this.#publisher.publish(subject, body, { ...options, deadlineMs });
        break;
      } catch (error) {
        if (error instanceof BrokerRefusedError && error.code === MESSAGE_TOO_LARGE) {
          this.#log.error({ subject, err: error }, "the broker will never take this");
          this.#closed();
          return { kind: "never" };
        }
        this.#log.warn({ subject, err: error }, "the broker does not take it; trying again");
        await pause();
      }
    this.#closed();
    return done;
  }

  #closed(): void {
    if (--this.#open > 0) return;
    for (const resolve of this.#whenSettled.splice(0)) resolve();
  }

  /** The broker takes publishes and purges by different ways: what is done to one subject waits for what was before. */
  async #inTurn(subject: string, effect: () => Promise<unknown>): Promise<void> {
    const before = this.#inProgress.get(subject);
    const now = before ? before.then(effect) : effect();
    this.#inProgress.set(subject, now);
    try {
      await now;
    } finally {
      if (this.#inProgress.get(subject) === now) this.#inProgress.delete(subject);
    }
  }

  async #purge(stream: string, subject: string): Promise<void> {
    await this.#inTurn(subject, () =>
      this.#untilDone(subject, () => purgeSubject(this.#nc, stream, subject)),
    );
  }

  /**
   * Removes the dispatch that is there if it is for an earlier admission. Whether there may be room then: a node of the
   * broker that is a moment behind does not see the dispatch another one has refused for.
   */
  async #removeVoid(subject: string, admission: number): Promise<boolean> {
    let hasRoom = false;
    await this.#untilDone(subject, async () => {
      const [found] = await lastMessages(this.#nc, DISPATCH.name, [subject]);
      if (!found) await pause();
      else {
        const there = dispatchSchema.safeParse(decodeBody(found.data));
        if (there.success && there.data.admission >= admission) return;
        await purgeSubject(this.#nc, DISPATCH.name, subject, found.seq);
      }
      hasRoom = true;
    });
    return hasRoom;
  }

  async #untilDone(subject: string, effect: () => Promise<void>): Promise<void> {
    this.#open++;
    while (this.#lease.valid)
      try {
        await effect();
        break;
      } catch (error) {
        this.#log.warn({ subject, err: error }, "removing failed; trying again");
        await pause();
      }
    this.#closed();
  }
}

const NOTHING = new Uint8Array();

async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
}

/** As the run's trigger is now: another machine or version is another lane. */
function dispatchSubjectOf(run: Queued): string {
  const { env, pool, version, machine, isolation } = run.trigger;
  return dispatchSubject(env, poolOf(pool, version), laneOf(machine, isolation), run.id);
}

/** A first attempt carries its trigger, so that the agent need not read the log. */
function dispatchOf(run: Queued): Dispatch {
  const { trigger, waits } = run;
  const fresh = run.attempt === 0 && waits.length === 0 && hasPayload(run);
  return {
    attempt: run.continues ? run.attempt : run.attempt + 1,
    continues: run.continues,
    admission: run.admission,
    agentSeq: run.agentSeq,
    ...(fresh ? { trigger } : {}),
  };
}
