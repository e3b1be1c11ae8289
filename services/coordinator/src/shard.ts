/**
 * The leader of one shard of runs.
 *
 * Owns: the folded state of the shard's live runs, and performing their obligations while its lease is valid. Does not
 * own: what the obligations are (`proto`), who gets a slot (`admission.ts`), whether it leads (`leadership.ts`).
 *
 * 1. State comes from the log alone: own facts count when they come back.
 * 2. Nothing is performed before everything in the log at the takeover has been folded; then
 *    `diff(∅, obligations(state))` is performed for every live run.
 * 3. A finished run is forgotten when its last obligation has been performed.
 */
import {
  applied,
  decodeEvent,
  diff,
  evolve,
  initial,
  obligations,
  parseRunSubject,
  RUNS,
  shardOfQueue,
  shardSubjects,
  type LiveRun,
  type Obligation,
  type Queued,
  type RunEvent,
  type RunState,
} from "@millrace/proto";
import {
  Feed,
  RunLogReader,
  type Blobs,
  type Delivery,
  type Lease,
  type Logger,
  type NatsConnection,
  type Publisher,
} from "@millrace/service-kit";
import { Admission } from "./admission.ts";
import type { Agents } from "./agents.ts";
import { Carrier } from "./carrier.ts";
import { Dependents } from "./dependents.ts";
import { Effects } from "./effects.ts";
import { LateWaiters } from "./late-waiters.ts";
import { lean } from "./lean.ts";
import { Leftovers, slotOf } from "./leftovers.ts";
import type { QueueSettings } from "./queue-settings.ts";
import type { RunMetrics } from "./run-metrics.ts";
import { RatedStarts } from "./rated-starts.ts";
import { isYoung, loadSnapshot, storeSnapshot } from "./snapshots.ts";
import { StrayDispatches } from "./stray-dispatches.ts";
import { tellParent } from "./tell-parent.ts";
import { TokenWaits } from "./token-waits.ts";
import type { Tokens } from "./tokens.ts";

export type ShardResources = {
  readonly nc: NatsConnection;
  readonly publisher: Publisher;
  readonly log: Logger;
  readonly blobs: Blobs;
  readonly agents: Agents;
  readonly queues: QueueSettings;
  readonly tokens: Tokens;
  readonly metrics: Pick<RunMetrics, "started" | "finished">;
};

const SNAPSHOT_CHECK_MS = 15_000;
/** A snapshot is worth its price when it saves reading many more events than it holds runs. */
const SNAPSHOT_MIN_EVENTS = 5000;

export class ShardLeader {
  readonly #shard: number;
  readonly #lease: Lease;
  readonly #resources: ShardResources;
  readonly #effects: Effects;
  readonly #admission: Admission;
  readonly #starts: RatedStarts;
  readonly #strays: StrayDispatches;
  readonly #tokenWaits: TokenWaits;
  readonly #lateWaiters: LateWaiters;
  readonly #carrier: Carrier;
  readonly #runs = new Map<string, LiveRun>();
  readonly #dependents: Dependents;
  readonly #leftovers = new Leftovers();
  readonly #forgetLost: () => void;
  #feed: Feed | undefined;
  #leading = false;
  #stopped = false;
  #snapshotSeq = 0;
  #eventsSinceSnapshot = 0;
  readonly #timers: NodeJS.Timeout[] = [];

  private constructor(shard: number, lease: Lease, resources: ShardResources) {
    const { nc, publisher, log, agents, queues, tokens } = resources;
    this.#shard = shard;
    this.#lease = lease;
    this.#resources = resources;
    this.#effects = new Effects(nc, publisher, lease, log);
    this.#starts = new RatedStarts((env, queue) => queues.periodOf(env, queue));
    this.#admission = new Admission({
      nc,
      log,
      effects: this.#effects,
      agents,
      queues,
      starts: this.#starts,
      queuedIn: (env, queue) => this.#queuedIn(env, queue),
      onHeldBack: () => void this.#strays.withdraw(),
    });
    this.#strays = new StrayDispatches({
      nc,
      log,
      effects: this.#effects,
      isActive: () => this.#leading && lease.valid,
      runs: this.#runs,
      isHeldBack: (run) => this.#admission.isHeldBack(run),
    });
    this.#tokenWaits = new TokenWaits(tokens, this.#effects);
    const reader = new RunLogReader(nc);
    this.#lateWaiters = new LateWaiters(this.#effects, reader, lease, log);
    this.#carrier = new Carrier({ nc, publisher, reader, lease, log, runs: () => this.runs() });
    this.#dependents = new Dependents((agentId) => agents.expect(agentId));
    this.#forgetLost = agents.onLost((agentId) => this.#agentLost(agentId));
  }

  /** Takes the shard over; resolves when its runs go on. */
  static async start(shard: number, lease: Lease, resources: ShardResources): Promise<ShardLeader> {
    const leader = new ShardLeader(shard, lease, resources);
    try {
      await leader.#catchUp();
      leader.#lead();
      return leader;
    } catch (error) {
      await leader.stop();
      throw error;
    }
  }

  /** How many runs it leads. */
  get size(): number {
    return this.#runs.size;
  }

  runs(): Iterable<LiveRun> {
    return this.#runs.values();
  }

  /** Stops acting. With a lease that is still valid, the state is stored for the next leader first. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#leading = false;
    for (const timer of this.#timers) clearInterval(timer);
    this.#forgetLost();
    this.#admission.stop();
    this.#tokenWaits.stop();
    this.#carrier.stop();
    await this.#effects.settled();
    await this.#feed?.stop();
    if (this.#lease.valid && this.#eventsSinceSnapshot > 0) await this.#storeSnapshot();
  }

  async #catchUp(): Promise<void> {
    const { nc, blobs, log } = this.#resources;
    const shard = this.#shard;
    const snapshot = await loadSnapshot(nc, blobs, shard, Date.now());
    for (const run of snapshot?.runs ?? []) this.#runs.set(run.id, run);
    this.#starts.restore(snapshot?.starts ?? []);
    this.#snapshotSeq = snapshot?.seq ?? 0;
    this.#feed = await Feed.start(nc, {
      stream: RUNS.name,
      subjects: shardSubjects(shard),
      from: { after: this.#snapshotSeq },
      onMessage: (delivery) => this.#receive(delivery),
      onError: (error) => log.warn({ err: error, shard }, "reading the log fails"),
    });
    await this.#feed.caughtUp;
    if (snapshot && !(await isYoung(nc, snapshot, Date.now())))
      throw new Error("the snapshot has become too old while the log was read");
  }

  #lead(): void {
    if (this.#stopped) return;
    this.#leading = true;
    // Who holds a slot is known before anyone is given one.
    for (const run of this.#runs.values()) {
      const slot = slotOf(run);
      if (slot) this.#admission.hold(run.trigger.env, slot);
    }
    for (const run of this.#runs.values())
      this.#perform(
        run,
        obligations(run).filter((o) => o.kind !== "hold-slot"),
      );
    this.#leftovers.takeBack(this.#admission);
    this.#admission.begin();
    this.#lateWaiters.begin();
    void this.#strays.withdraw();
    this.#timers.push(
      setInterval(() => {
        this.#starts.prune(Date.now());
        this.#considerSnapshot();
      }, SNAPSHOT_CHECK_MS),
    );
    this.#carrier.begin();
  }

  #receive({ subject, type, data, seq }: Delivery): void {
    this.#eventsSinceSnapshot++;
    const decoded = decodeEvent(subject, type, data, seq);
    if (decoded.kind === "refused") {
      this.#resources.log.warn({ subject, seq, ...decoded }, "a message of the log is no fact");
      return;
    }
    this.#fold(decoded.event, subject);
  }

  #fold(event: RunEvent, subject: string): void {
    const before = this.#runs.get(event.runId) ?? initial;
    const next = evolve(before, event);
    if (next.status === "absent") {
      this.#foldForgotten(event, subject);
      return;
    }
    const after = lean(next);
    this.#runs.set(event.runId, after);
    if (event.type === "slot-granted" && applied(before, after))
      this.#starts.granted(after.trigger.env, event.data);
    if (!this.#leading) {
      this.#leftovers.note(before, after);
      if (after.status === "finished" && obligations(after).length === 0)
        this.#runs.delete(event.runId);
      return;
    }
    if (!applied(before, after)) this.#didNotApply(after.trigger.env, event, after.admission);
    else {
      const change = diff(obligations(before), obligations(after));
      if (before.status !== "absent")
        for (const o of change.end)
          if (!isMoved(o, change.begin)) this.#end(before, o, after, event);
      this.#perform(after, change.begin);
      this.#measure(before, after, event);
    }
  }

  #measure(before: RunState, after: LiveRun, event: RunEvent): void {
    const { metrics } = this.#resources;
    if (after.status === "finished" && before.status !== "finished") metrics.finished(after);
    else if (event.type === "attempt-started" && event.data.attempt === 1 && !event.data.continues)
      metrics.started(after, event.data.at);
  }

  /** The run has ended and is forgotten, or it was never there. */
  #foldForgotten(event: RunEvent, subject: string): void {
    const env = parseRunSubject(subject)?.env ?? "";
    if (event.type === "run-awaited") this.#lateWaiters.add(env, event);
    else if (this.#leading) this.#didNotApply(env, event, 0);
  }

  /** Some facts that change nothing still want an answer. */
  #didNotApply(env: string, event: RunEvent, admission: number): void {
    const { runId, seq } = event;
    if (event.type === "slot-granted") this.#admission.returned(env, runId, event.data);
    // Somebody who was told asks again: see `RunClient.awaitRun`. A run that lives tells them at its end.
    if (event.type === "run-awaited" && this.#runs.get(runId)?.status === "finished")
      this.#lateWaiters.add(env, event);
    // A claim that lost against a cancellation or a result: its agent must stop the code.
    if (event.type === "attempt-started")
      void this.#effects.signal({ env, runId }, event.data.agentId, "stop", admission, seq);
  }

  #perform(run: LiveRun, begin: readonly Obligation[]): void {
    const effects = begin.map((obligation) => this.#begin(run, obligation));
    if (run.status !== "finished") return;
    const pending = effects.filter((effect) => effect !== undefined);
    if (pending.length === 0) this.#runs.delete(run.id);
    else
      void Promise.all(pending).then(() => {
        if (this.#lease.valid) this.#runs.delete(run.id);
      });
  }

  #begin(run: LiveRun, o: Obligation): Promise<unknown> | undefined {
    const name = { env: run.trigger.env, runId: run.id };
    switch (o.kind) {
      case "timer":
        return this.#effects.armTimer(name, o.name, o.at, run.admission);
      case "admit":
        if (run.status === "queued") this.#admission.admit(run);
        return undefined;
      case "launch":
        if (run.status === "queued") this.#admission.launch(run);
        return undefined;
      case "hold-slot":
        this.#admission.hold(name.env, o.slot);
        return undefined;
      case "watch-agent":
        this.#dependents.add(o.agentId, run.id);
        return undefined;
      case "signal":
        return this.#effects.signal(name, o.agentId, o.signal, run.admission, run.lastSeq);
      case "tell-parent":
        return tellParent(this.#effects, run, o);
      case "await-token":
        this.#tokenWaits.begin(run, o);
        return undefined;
      case "cancel-child":
        return this.#effects.append({ env: name.env, runId: o.childRunId }, "cancel-requested", {
          at: run.updatedAt,
          reason: `parent ${run.id} was canceled`,
        });
    }
  }

  #end(before: LiveRun, o: Obligation, after: LiveRun, cause: RunEvent): void {
    const name = { env: before.trigger.env, runId: before.id };
    switch (o.kind) {
      case "timer":
        // A timer that fired is gone already.
        if (cause.type !== "timer-fired" || cause.data.name !== o.name)
          void this.#effects.disarmTimer(name, o.name);
        return;
      case "admit":
      case "launch":
        if (before.status !== "queued") return;
        if (isGranted(before, after)) this.#admission.granted(before);
        else this.#admission.withdraw(before, after);
        return;
      case "hold-slot":
        this.#admission.release(name.env, o.slot);
        return;
      case "watch-agent":
        this.#dependents.delete(o.agentId, before.id);
        // Its agent was believed lost: should it live, it must let go of the run.
        if (cause.type === "attempt-lost") this.#tellToStop(after, o.agentId);
        return;
      case "await-token":
        this.#tokenWaits.end(before.id);
        return;
      case "signal":
      case "tell-parent":
      case "cancel-child":
        return;
    }
  }

  #tellToStop(run: LiveRun, agentId: string): void {
    const name = { env: run.trigger.env, runId: run.id };
    void this.#effects.signal(name, agentId, "stop", run.admission, run.lastSeq);
  }

  #agentLost(agentId: string): void {
    if (!this.#leading) return;
    const runs = this.#dependents.of(agentId);
    if (runs.size === 0) return;
    this.#resources.log.warn({ agentId, runs: runs.size, shard: this.#shard }, "agent lost");
    for (const runId of runs) {
      const run = this.#runs.get(runId);
      if (!run || run.attempt === 0) continue;
      void this.#effects.append({ env: run.trigger.env, runId }, "attempt-lost", {
        at: Date.now(),
        agentId,
        attempt: run.attempt,
      });
    }
  }

  #queuedIn(env: string, queue: string): Queued[] {
    if (!this.#leading || shardOfQueue(env, queue) !== this.#shard) return [];
    const queued: Queued[] = [];
    for (const run of this.#runs.values())
      if (run.status === "queued" && run.trigger.queue === queue && run.trigger.env === env)
        queued.push(run);
    return queued;
  }

  #considerSnapshot(): void {
    const worth = Math.max(SNAPSHOT_MIN_EVENTS, 2 * this.#runs.size);
    if (this.#eventsSinceSnapshot < worth || !this.#lease.valid) return;
    void this.#storeSnapshot().catch((error: unknown) =>
      this.#resources.log.warn({ err: error, shard: this.#shard }, "storing a snapshot failed"),
    );
  }

  async #storeSnapshot(): Promise<void> {
    const seq = this.#feed?.lastSeq ?? this.#snapshotSeq;
    this.#eventsSinceSnapshot = 0;
    await storeSnapshot(this.#resources.blobs, this.#shard, Date.now(), {
      seq,
      runs: [...this.#runs.values()],
      starts: this.#starts.stored(),
    });
    this.#snapshotSeq = seq;
  }
}

/** A timer that is armed anew is moved by that: disarming it first could only come too late. */
function isMoved(o: Obligation, begin: readonly Obligation[]): boolean {
  return o.kind === "timer" && begin.some((each) => each.kind === "timer" && each.name === o.name);
}

/** Whether the run just got its slot, and goes on to be launched. */
function isGranted(before: LiveRun, after: LiveRun): boolean {
  return (
    before.status === "queued" &&
    after.status === "queued" &&
    before.slot === null &&
    after.slot !== null
  );
}
