/**
 * From a dispatch to a run that is this agent's, or somebody else's.
 *
 * Owns: the decision about a dispatch and its acknowledgement. The claim is a fact in the run's log that only one agent
 * can state; a dispatch is acknowledged when the claim is decided, so that a run whose agent died in between is
 * dispatched again.
 *
 * 1. Room has been taken when a dispatch arrives. It is kept by a run that is won and given back otherwise.
 * 2. A first attempt costs no read: its dispatch holds all there is to know.
 */
import {
  decodeBody,
  dispatchSchema,
  evolve,
  initial,
  maxAttemptsOf,
  type Dispatch,
  type JsonObject,
  type LiveRun,
  type RunState,
  type Trigger,
  type Wait,
} from "@millrace/proto";
import {
  ACK,
  nakAfter,
  type Delivery,
  type Logger,
  type NatsConnection,
} from "@millrace/service-kit";
import type { Acks } from "./acks.ts";
import type { Facts } from "./facts.ts";
import { HeldRun, type HeldRuns } from "./held-run.ts";
import type { Lanes } from "./lanes.ts";
import { claimDecision, isOwned, type Claimant } from "./ownership.ts";
import type { Lane } from "./places.ts";
import { coveredSeq, type RunLogs } from "./run-logs.ts";
import type { ServedTask } from "./served-tasks.ts";

const AGAIN_MS = 1000;

export type ClaimsOptions = {
  readonly nc: NatsConnection;
  readonly agentId: string;
  /** Of the tasks it serves, where it has one. */
  readonly version: string | undefined;
  readonly tasks: ReadonlyMap<string, ServedTask>;
  readonly runs: HeldRuns;
  readonly lanes: Lanes;
  readonly facts: Facts;
  readonly acks: Acks;
  readonly logs: RunLogs;
  readonly log: Logger;
  /** Whether runs of the queue need no slot. */
  readonly isUnlimited: (queue: string) => Promise<boolean>;
  /** The run is this agent's. */
  readonly onWon: (run: HeldRun) => void;
  /** A run this agent has was given to others and is dispatched anew. */
  readonly onLost: (run: HeldRun) => void;
};

/** The start this agent asks for. */
type Bid = {
  readonly trigger: Trigger;
  readonly task: ServedTask;
  readonly attempt: number;
  readonly continues: boolean;
  readonly lastSeq: number;
  /** What the log says, if it was read. */
  readonly state: LiveRun | undefined;
};

/** A claim that was not taken, as far as is known. */
type Refused = Pick<Bid, "attempt" | "lastSeq">;

export class Claims {
  readonly #options: ClaimsOptions;
  readonly #warned = new Set<string>();
  #lastClaim = 0;

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  onDispatch(lane: Lane, delivery: Delivery): void {
    const { runs, lanes, log } = this.#options;
    const runId = delivery.subject.slice(delivery.subject.lastIndexOf(".") + 1);
    const dispatch = readDispatch(delivery.data);
    const known = runs.get(runId);
    if (known?.phase.kind === "claiming") {
      // The same dispatch again: its answer is on the way.
      known.reply = delivery.reply;
      known.admission = Math.max(known.admission, dispatch?.admission ?? 0);
      return lanes.give(lane);
    }
    if (!dispatch || (known && dispatch.admission <= known.admission)) {
      if (!dispatch) log.error({ run: runId }, "a dispatch that cannot be read was dropped");
      this.#options.acks.add(delivery.reply);
      return lanes.give(lane);
    }
    const run = new HeldRun(runId, lane, dispatch.admission, delivery.reply);
    void this.#claim(run, dispatch, known).catch((error: unknown) => {
      log.error({ err: error, run: runId }, "a claim failed");
      this.#giveUp(run, nakAfter(AGAIN_MS));
    });
  }

  async #claim(run: HeldRun, dispatch: Dispatch, known: HeldRun | undefined): Promise<void> {
    const { trigger, attempt } = dispatch;
    if (known) {
      const isLost = await this.#isLost(known, dispatch);
      const holder = this.#options.runs.get(run.runId);
      if (holder && holder !== known) return this.#leaveTo(holder, run);
      if (isLost === undefined) return this.#giveUp(run, nakAfter(AGAIN_MS));
      if (!isLost) return this.#giveUp(run, ACK);
      if (holder) this.#options.onLost(known);
    }
    this.#options.runs.add(run);
    let refused: Refused | undefined;
    if (trigger && attempt === 1 && !dispatch.continues) {
      const task = this.#options.tasks.get(trigger.taskId);
      if (!task) return this.#notServed(run, trigger.taskId);
      const { continues, agentSeq: lastSeq } = dispatch;
      const bid: Bid = { trigger, task, attempt, continues, lastSeq, state: undefined };
      if (await this.#bid(run, bid)) return;
      refused = { attempt, lastSeq };
    }
    await this.#claimByLog(run, dispatch, refused);
  }

  async #claimByLog(run: HeldRun, dispatch: Dispatch, before: Refused | undefined): Promise<void> {
    const { agentId, isUnlimited, logs } = this.#options;
    let refused = before;
    for (;;) {
      const state = await logs.state(run.runId, run.log, (read) =>
        isNewer(read, run.admission, dispatch.agentSeq),
      );
      run.log = state;
      const claimant: Claimant = {
        agentId,
        admission: run.admission,
        triedAttempt: refused?.attempt,
        isUnlimited: state.status === "queued" && (await isUnlimited(state.trigger.queue)),
      };
      const decision = claimDecision(state, claimant);
      if (decision.kind === "stale" || state.status === "absent")
        return this.#giveUp(run, nakAfter(AGAIN_MS));
      if (decision.kind === "void") return this.#giveUp(run, ACK);
      if (decision.kind === "won" && !(await this.#isOwnClaim(run))) return this.#giveUp(run, ACK);
      const task = this.#options.tasks.get(state.trigger.taskId);
      if (!task) return this.#notServed(run, state.trigger.taskId);
      const { trigger } = state;
      if (decision.kind === "won") {
        const { attempt, agentSeq: lastSeq, updatedAt } = state;
        // The fold has kept what the attempt had used up, if it is one that goes on.
        const bid = { trigger, task, attempt, continues: true, lastSeq, state };
        return this.#won(run, bid, lastSeq, updatedAt);
      }
      const { attempt, continues, lastSeq } = decision;
      // Log and broker do not agree, or the broker is not there: asking on would only take the place of other runs.
      if (lastSeq === refused?.lastSeq) return this.#giveUp(run, nakAfter(AGAIN_MS));
      if (await this.#bid(run, { trigger, task, attempt, continues, lastSeq, state })) return;
      refused = { attempt, lastSeq };
    }
  }

  /** Whether the claim is in the log now, as far as is known. */
  async #bid(run: HeldRun, bid: Bid): Promise<boolean> {
    const { agentId, facts, version } = this.#options;
    const at = Date.now();
    run.claimId = (++this.#lastClaim).toString(36);
    const seq = await facts.appendAfter(
      run.runId,
      "attempt-started",
      {
        at,
        attempt: bid.attempt,
        agentId,
        claimId: run.claimId,
        continues: bid.continues,
        maxAttempts: maxAttemptsOf(bid.trigger, bid.task.retry),
        ...(version === undefined ? {} : { version }),
      },
      bid.lastSeq,
    );
    if (seq === undefined) return false;
    this.#won(run, bid, seq, at);
    return true;
  }

  #won(run: HeldRun, bid: Bid, seq: number, at: number): void {
    const { trigger, task, attempt, continues, state } = bid;
    run.factSeq = seq;
    run.admission = admissionOf(run, state);
    run.claimed = {
      trigger,
      task,
      attempt,
      attemptStartedAt: at,
      startedAt: state?.startedAt ?? at,
      maxAttempts: maxAttemptsOf(trigger, task.retry),
      waits: state?.waits ?? [],
      losses: state?.losses ?? 0,
      tags: state?.tags ?? trigger.tags,
      metadata: state ? state.metadata : metadataOf(run.runId, trigger),
      totalMs: state?.durationMs ?? 0,
    };
    run.activeMs = continues ? (state?.attemptMs ?? 0) : 0;
    run.waitCount = answeredWaits(run.claimed.waits);
    this.#options.acks.add(run.reply);
    this.#options.onWon(run);
  }

  /** Whether a run this agent has was taken from it and waits for a start; undefined: what was read is out of date. */
  async #isLost(known: HeldRun, dispatch: Dispatch): Promise<boolean | undefined> {
    const { logs, agentId } = this.#options;
    // A fact of the hold may be stored while the log is read.
    const isCurrent = (read: RunState): boolean =>
      isNewer(read, dispatch.admission, dispatch.agentSeq) && coveredSeq(read) >= known.factSeq;
    const state = await logs.state(known.runId, known.log, isCurrent);
    return isCurrent(state) ? !isOwned(state, agentId) : undefined;
  }

  /**
   * Whether the start that is in the log is the one this hold has asked for. It may be that of an earlier hold: a dispatch
   * that comes again finds a run whose end is still on its way into the log.
   */
  async #isOwnClaim({ runId, claimId }: HeldRun): Promise<boolean> {
    const { agentId, logs } = this.#options;
    const events = await logs.events(runId);
    const start = events.findLast(({ type }) => type === "attempt-started");
    return (
      start?.type === "attempt-started" &&
      start.data.agentId === agentId &&
      start.data.claimId === claimId
    );
  }

  /** The same dispatch came again while it was looked at: the other delivery of it was faster. */
  #leaveTo(holder: HeldRun, run: HeldRun): void {
    if (holder.phase.kind === "claiming") holder.reply = run.reply;
    else this.#options.acks.add(run.reply);
    this.#options.lanes.give(run.lane);
  }

  #notServed(run: HeldRun, taskId: string): void {
    if (!this.#warned.has(taskId)) {
      this.#warned.add(taskId);
      this.#options.log.warn({ task: taskId }, "runs of a task this agent does not have arrive");
    }
    this.#giveUp(run, nakAfter(AGAIN_MS));
  }

  #giveUp(run: HeldRun, answer: Uint8Array): void {
    this.#options.nc.publish(run.reply, answer);
    this.#options.runs.remove(run);
    this.#options.lanes.give(run.lane);
  }
}

/** A dispatch may be for an earlier admission than the one it is taken up for. */
function admissionOf(run: HeldRun, state: LiveRun | undefined): number {
  return Math.max(run.admission, state?.admission ?? 0);
}

/** What the first event alone says. */
function metadataOf(runId: string, trigger: Trigger): JsonObject | null {
  if (trigger.metadata === undefined) return null;
  const state = evolve(initial, { type: "run-triggered", runId, seq: 1, data: trigger });
  return state.status === "absent" ? null : state.metadata;
}

function readDispatch(data: Uint8Array): Dispatch | undefined {
  try {
    const parsed = dispatchSchema.safeParse(decodeBody(data));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** Whether what was read is not older than the dispatch. */
function isNewer(state: RunState, admission: number, agentSeq: number): boolean {
  return state.status !== "absent" && state.admission >= admission && state.agentSeq >= agentSeq;
}

/** The index of the next durable call: a wait that is still open will be asked for again. */
function answeredWaits(waits: readonly Wait[]): number {
  const last = waits.at(-1);
  return last?.kind === "children" && last.open > 0 ? waits.length - 1 : waits.length;
}
