/**
 * How a queued run of one shard gets past its gates.
 *
 * A queue without a limit costs nothing: its runs are launched at once. In a limited one a run is granted a slot by an
 * event in its log, and launched when that event comes back: by the broker's `Gate`, or in memory by a `KeyGate` where
 * the run has a concurrency key or the queue a rate limit (`docs/adr/0007-slots-in-memory.md`). A queue whose limit is 0
 * is closed: what was launched and not taken up yet is withdrawn, also with its slot, until it is opened.
 */
import {
  limitOfQueue,
  needsSlot,
  type EventData,
  type LiveRun,
  type Queued,
  type QueueRecord,
  type Slot,
} from "@millrace/proto";
import { ACK, type Logger, type NatsConnection } from "@millrace/service-kit";
import type { Agents } from "./agents.ts";
import { Alarm } from "./alarm.ts";
import type { Effects } from "./effects.ts";
import { Gate } from "./gate.ts";
import { KeyGate } from "./key-gate.ts";
import { Launcher } from "./launcher.ts";
import type { QueueSettings } from "./queue-settings.ts";
import type { RatedStarts } from "./rated-starts.ts";

export type AdmissionEnvironment = {
  readonly nc: NatsConnection;
  readonly log: Logger;
  readonly effects: Effects;
  readonly agents: Agents;
  readonly queues: QueueSettings;
  readonly starts: RatedStarts;
  /** The shard's queued runs of a queue. */
  readonly queuedIn: (env: string, queue: string) => readonly Queued[];
  /** Runs that had been launched may be in the dispatch stream and must not: see `isHeldBack`. */
  readonly onHeldBack: () => void;
};

export class Admission {
  readonly #env: AdmissionEnvironment;
  readonly #launcher: Launcher;
  readonly #gates = new Map<string, Gate>();
  readonly #keyGates = new Map<string, { readonly gate: KeyGate; readonly alarm: Alarm }>();
  /** Runs whose queue is not known yet, by queue. */
  readonly #undecided = new Map<string, Map<string, Queued>>();
  readonly #forget: () => void;
  #begun = false;

  constructor(env: AdmissionEnvironment) {
    this.#env = env;
    this.#launcher = new Launcher(env.effects, env.agents);
    this.#forget = env.queues.onChange((...change) => this.#queueChanged(...change));
  }

  /** Whoever holds or wants a slot at the takeover is known: slots are given from now on. */
  begin(): void {
    this.#begun = true;
    this.#launcher.begin();
    for (const { gate } of this.#keyGates.values()) gate.begin();
  }

  /** A run of the queue stopped waiting while nobody led: what it has asked for is taken back. */
  settle(env: string, queue: string): void {
    const record = this.#env.queues.of(env, queue);
    if (record && needsSlot(record) && !givesUnkeyedInMemory(record)) this.#gate(env, queue);
  }

  /** The run wants to run. */
  admit(run: Queued): void {
    const { env, queue } = run.trigger;
    const record = this.#env.queues.of(env, queue);
    if (!record) {
      const name = nameOf(env, queue);
      let undecided = this.#undecided.get(name);
      if (!undecided) this.#undecided.set(name, (undecided = new Map()));
      undecided.set(run.id, run);
    } else if (!needsSlot(record)) this.#launcher.launch(run);
    else if (this.#isInMemory(run, record)) this.#keyGate(env, queue).join(run);
    else this.#gate(env, queue).join(run);
  }

  /** The run has a slot. */
  launch(run: Queued): void {
    const { env, queue } = run.trigger;
    if (isClosed(this.#env.queues.of(env, queue))) return;
    const { slot } = run;
    if (slot?.key !== undefined && !this.#keyGate(env, slot.queue).mayLaunch(run, slot)) return;
    this.#launcher.launch(run);
  }

  /** The run no longer wants to be admitted, or no longer in this way; `now` is what became of it. */
  withdraw(run: Queued, now: LiveRun): void {
    this.#leaveLines(run);
    if (now.status === "executing") this.#launcher.settle(run);
    else this.#launcher.withdraw(run);
  }

  /** The run got a slot, from this leader or from an earlier one while it stood in this one's line. */
  granted(run: Queued): void {
    this.#leaveLines(run);
  }

  /** Whether the queued run must not be with the agents as things are. */
  isHeldBack(run: Queued): boolean {
    const record = this.#env.queues.of(run.trigger.env, run.trigger.queue);
    if (!record) return false;
    return run.slot === null ? needsSlot(record) : isClosed(record);
  }

  hold(env: string, slot: Slot): void {
    if (slot.key === undefined) this.#gate(env, slot.queue).hold(slot);
    else this.#keyGate(env, slot.queue).hold(slot);
  }

  release(env: string, slot: Slot): void {
    const name = nameOf(env, slot.queue);
    const keyGate = this.#keyGates.get(name)?.gate;
    if (slot.key !== undefined) {
      keyGate?.release(slot);
      return;
    }
    const gate = this.#gates.get(name);
    if (gate) gate.release(slot);
    else this.#env.nc.publish(slot.reply, ACK);
    keyGate?.freed("");
  }

  /** A grant that did not apply to its run. */
  returned(env: string, runId: string, data: EventData<"slot-granted">): void {
    const name = nameOf(env, data.queue);
    if (data.key !== undefined) this.#keyGates.get(name)?.gate.returned(data.slotId);
    else this.#gates.get(name)?.returned(runId, data.slotId);
  }

  stop(): void {
    this.#forget();
    this.#launcher.stop();
    for (const gate of this.#gates.values()) gate.stop();
    for (const { alarm } of this.#keyGates.values()) alarm.stop();
  }

  #leaveLines(run: Queued): void {
    const name = nameOf(run.trigger.env, run.trigger.queue);
    this.#undecided.get(name)?.delete(run.id);
    this.#gates.get(name)?.leave(run.id);
    this.#keyGates.get(name)?.gate.leave(run.id);
  }

  /**
   * Runs without a key stay with the memory as long as one of them is there: broker and memory do not know what the other
   * one gives, so never do both give.
   */
  #isInMemory(run: Queued, record: QueueRecord): boolean {
    if (run.trigger.concurrencyKey !== undefined || givesUnkeyedInMemory(record)) return true;
    const name = nameOf(run.trigger.env, run.trigger.queue);
    return this.#keyGates.get(name)?.gate.hasUnkeyed === true;
  }

  #queueChanged(env: string, queue: string, before: QueueRecord | undefined): void {
    const name = nameOf(env, queue);
    const record = this.#env.queues.of(env, queue);
    if (!record) return;
    const displaced = this.#displaced(name, record);
    const limit = limitOfQueue(record);
    if (limit !== null) this.#gates.get(name)?.setLimit(limit);
    this.#keyGates.get(name)?.gate.setLimits({ limit, rate: record.rateLimit });
    const undecided = this.#undecided.get(name);
    this.#undecided.delete(name);
    for (const run of [...displaced, ...(undecided?.values() ?? [])]) this.admit(run);
    if (before) this.#openOrClose(env, queue, before, record);
  }

  /** Those who wait in a line where nobody is served any more. */
  #displaced(name: string, record: QueueRecord): Queued[] {
    const gate = this.#gates.get(name);
    const keyGate = this.#keyGates.get(name)?.gate;
    if (!needsSlot(record)) return [...(keyGate?.dissolve() ?? []), ...(gate?.dissolve() ?? [])];
    if (givesUnkeyedInMemory(record)) return gate?.dissolve() ?? [];
    return keyGate && !keyGate.holdsUnkeyed ? keyGate.dissolveUnkeyed() : [];
  }

  /** What was launched under the settings of before, and not taken up yet, is subject to those of now. */
  #openOrClose(env: string, queue: string, before: QueueRecord, now: QueueRecord): void {
    const isLimitedNow = !needsSlot(before) && needsSlot(now);
    const [wasClosed, isClosedNow] = [isClosed(before), isClosed(now)];
    if (!isLimitedNow && wasClosed === isClosedNow) return;
    const queued = this.#env.queuedIn(env, queue);
    const withSlot = queued.filter((run) => run.slot !== null);
    const without = isLimitedNow ? queued.filter((run) => run.slot === null) : [];
    this.#launcher.withdrawAll(isClosedNow && !wasClosed ? queued : without);
    for (const run of without) this.admit(run);
    if (wasClosed && !isClosedNow) for (const run of withSlot) this.launch(run);
    if (queued.length > 0 && (isLimitedNow || isClosedNow)) this.#env.onHeldBack();
  }

  #gate(env: string, queue: string): Gate {
    const name = nameOf(env, queue);
    let gate = this.#gates.get(name);
    if (!gate) {
      const { nc, log, effects } = this.#env;
      // A limit that was lifted since: the gate lives on until its slots are given back.
      gate = new Gate({ env, queue }, this.#limitOf(env, queue) ?? 1, {
        nc,
        log,
        ask: (subject) => void effects.ask(subject),
        grant: (run, data) => void effects.append({ env, runId: run.id }, "slot-granted", data),
      });
      this.#gates.set(name, gate);
    }
    return gate;
  }

  #keyGate(env: string, queue: string): KeyGate {
    const name = nameOf(env, queue);
    const known = this.#keyGates.get(name);
    if (known) return known.gate;
    const { effects, starts, queues } = this.#env;
    const alarm = new Alarm(() => gate.pump());
    const rate = queues.of(env, queue)?.rateLimit;
    const gate = new KeyGate(
      queue,
      { limit: this.#limitOf(env, queue), rate },
      {
        now: () => Date.now(),
        limiter: () => starts.of(env, queue),
        heldElsewhere: () => this.#gates.get(name)?.held ?? 0,
        grant: (run, data) => void effects.append({ env, runId: run.id }, "slot-granted", data),
        launch: (run) => this.#launcher.launch(run),
        wakeAt: (at) => alarm.set(at),
      },
    );
    this.#keyGates.set(name, { gate, alarm });
    if (this.#begun) gate.begin();
    return gate;
  }

  #limitOf(env: string, queue: string): number | null {
    const record = this.#env.queues.of(env, queue);
    return record ? limitOfQueue(record) : null;
  }
}

/** A queue that has a limit only while it is paused needs no gate in the broker: nobody passes it. */
function givesUnkeyedInMemory(record: QueueRecord): boolean {
  const lasting = limitOfQueue({ ...record, paused: false });
  return record.rateLimit !== undefined || lasting === null;
}

function isClosed(record: QueueRecord | undefined): boolean {
  return record !== undefined && limitOfQueue(record) === 0;
}

function nameOf(env: string, queue: string): string {
  return `${env}\n${queue}`;
}
