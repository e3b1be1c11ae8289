/**
 * One limited queue.
 *
 * The broker counts: the gate's consumer has `max_ack_pending` = the concurrency limit, a delivered message that is
 * not acknowledged is a held slot. This class decides who gets a delivered slot, keeps held ones alive and gives them
 * back. Slots are fungible: a message says "somebody may run", not who.
 *
 * 1. Every waiting run has at least one message in the stream: asked when it joins, asked again at a takeover
 *    (refused where it is still there). Surplus messages are acknowledged when nobody waits: those of runs that left
 *    the line, and those the broker has besides (of earlier leaders; stored twice; their acknowledgement was lost): they
 *    are counted before anyone is served, and after the last of those who waited. Where fewer are there than runs wait
 *    (a leader died before it had asked for all whom it then gave others' slots), all who wait ask again.
 * 2. A slot is granted by an event in the run's log before the run is launched; the fold knows every holder.
 * 3. A held slot that is delivered again (its lease passed while nobody led) is recognised by its id and kept. One that
 *    comes again when it has just been given back is gone, whatever the delivery says.
 */
import {
  slotConsumer,
  slotIdFor,
  slotIdOf,
  slotSubject,
  SLOT_LEASE_MS,
  type EventData,
  type Gate as GateName,
  type Queued,
  type Slot,
} from "@millrace/proto";
import {
  ACK,
  backlogOf,
  ensureConsumer,
  IN_PROGRESS,
  NAK,
  PullLoop,
  sequenceOf,
  type Delivery,
  type Logger,
  type NatsConnection,
} from "@millrace/service-kit";
import { Recent } from "./recent.ts";
import { WaitingLine } from "./waiting-line.ts";

export type GateEnvironment = {
  readonly nc: NatsConnection;
  readonly log: Logger;
  /** Stores a request for a slot. */
  readonly ask: (subject: string) => void;
  /** States in the run's log that it holds this slot. */
  readonly grant: (run: Queued, data: EventData<"slot-granted">) => void;
};

const BEAT_MS = SLOT_LEASE_MS / 3;
/** The first may be wrong: what was just sent had not arrived. */
const COUNTS = 2;

type Granting = { readonly run: Queued; reply: string };

export class Gate {
  readonly #name: GateName;
  readonly #env: GateEnvironment;
  readonly #line = new WaitingLine();
  /** Slots held by runs, by slot id; the value is where to acknowledge. */
  readonly #held = new Map<string, string>();
  /** Slots whose grant is on its way into the log. */
  readonly #granting = new Map<string, Granting>();
  /** Sequences of slots that were given back lately. */
  readonly #gone = new Recent<number>();
  readonly #loop: PullLoop;
  readonly #extender: NodeJS.Timeout;
  #limit: number;
  #surplus = 0;
  #opening = false;
  #opened = false;
  #stopped = false;
  /** How often the requests were counted since one was asked for, delivered or given back. */
  #counts = 0;
  /** When the last run joined, by `performance.now()`. */
  #joinedAt = 0;

  constructor(name: GateName, limit: number, env: GateEnvironment) {
    this.#name = name;
    this.#limit = limit;
    this.#env = env;
    const { durable_name, stream } = this.#consumer();
    this.#loop = new PullLoop(env.nc, {
      stream,
      consumer: () => durable_name,
      onMessage: (delivery) => this.#delivered(delivery),
      ensure: () => ensureConsumer(env.nc, this.#consumer()),
      onError: (error) => env.log.warn({ err: error, gate: name }, "the gate's consumer fails"),
    });
    this.#extender = setInterval(() => {
      this.#extend();
      this.#gone.age();
      void this.#recount();
    }, BEAT_MS);
    void this.#open();
  }

  /** Slots that runs hold, or are about to. */
  get held(): number {
    return this.#held.size + this.#granting.size;
  }

  setLimit(limit: number): void {
    if (limit === this.#limit) return;
    this.#limit = limit;
    if (limit === 0) this.#loop.cancel();
    void this.#open();
  }

  /** The run waits for a slot. */
  join(run: Queued): void {
    this.#line.join(run);
    this.#counts = 0;
    this.#joinedAt = performance.now();
    this.#ask(run);
    this.#pump();
  }

  /** The run waits no longer, for another reason than having got a slot. */
  leave(runId: string): void {
    if (!this.#line.leave(runId)) return;
    this.#surplus++;
    this.#pump();
  }

  /** A run holds this slot, says the log. */
  hold(slot: Slot): void {
    const granting = this.#granting.get(slot.slotId);
    this.#granting.delete(slot.slotId);
    const reply = granting?.reply ?? slot.reply;
    this.#held.set(slot.slotId, reply);
    if (!granting) this.#env.nc.publish(reply, IN_PROGRESS);
  }

  release(slot: Slot): void {
    const reply = this.#held.get(slot.slotId) ?? slot.reply;
    this.#held.delete(slot.slotId);
    this.#counts = 0;
    this.#gone.add(sequenceOf(reply));
    this.#env.nc.publish(reply, ACK);
    this.#pump();
  }

  /** The grant did not apply (the run ended meanwhile): the slot goes to somebody else. */
  returned(runId: string, slotId: string): void {
    const granting = this.#granting.get(slotId);
    if (granting?.run.id !== runId) return;
    this.#granting.delete(slotId);
    // Its own request is still in the stream.
    this.#surplus++;
    this.#give(slotId, granting.reply);
  }

  /** Everyone in line, who is no longer: the limit was lifted. */
  dissolve(): Queued[] {
    // A closed gate opens for those who take back what they have asked for.
    this.#limit = Math.max(1, this.#limit);
    const runs: Queued[] = [];
    for (let run = this.#line.next(); run; run = this.#line.next()) {
      runs.push(run);
      this.#surplus++;
    }
    this.#pump();
    return runs;
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#extender);
    this.#loop.stop();
  }

  #consumer(): ReturnType<typeof slotConsumer> {
    // 0 would mean the broker's default: a closed gate keeps 1 and does not pull.
    return slotConsumer(this.#name, Math.max(1, this.#limit));
  }

  /**
   * The consumer exists, with the current limit, before the first request, and what earlier leaders have left is counted.
   * One change at a time: the last one wins.
   */
  async #open(): Promise<void> {
    if (this.#opening) return;
    this.#opening = true;
    for (let applied: number | undefined; applied !== this.#limit && !this.#stopped;) {
      const limit = this.#limit;
      try {
        await ensureConsumer(this.#env.nc, this.#consumer());
        if (!this.#opened) await this.#countSurplus();
        applied = limit;
      } catch (error) {
        this.#env.log.warn({ err: error, gate: this.#name }, "opening the gate failed");
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
    this.#opening = false;
    this.#opened = true;
    this.#pump();
  }

  /** One message stands for one run that waits, whoever asked: it is gone when that run's slot is given back. */
  #ask(run: Queued): void {
    const own = slotIdFor(run);
    const isSlotOfAnother = this.#held.has(own) || this.#granting.has(own);
    this.#env.ask(slotSubject(this.#name, isSlotOfAnother ? `${own}-again` : own));
  }

  /** How many requests the broker has, and has not made anybody's slot. */
  async #countRequests(): Promise<number> {
    const { undelivered, unacknowledged } = await backlogOf(this.#env.nc, this.#consumer());
    return undelivered + Math.max(0, unacknowledged - this.held);
  }

  /** The requests of those who wait have been sent before: the broker has them, and whatever else is there is surplus. */
  async #countSurplus(): Promise<void> {
    this.#surplus = Math.max(0, (await this.#countRequests()) - this.#line.size);
  }

  /** What is left over is asked for until nothing is; where requests are missing, they are made. */
  async #recount(): Promise<void> {
    if (this.#counts >= COUNTS || !this.#opened || this.#closed) return;
    // Those of runs that have just joined may be on their way.
    const isCalm = (): boolean =>
      this.#line.size === 0 || performance.now() - this.#joinedAt >= BEAT_MS;
    if (!isCalm()) return;
    this.#counts++;
    try {
      const requests = await this.#countRequests();
      if (this.#closed || !isCalm()) this.#counts = 0;
      else if (this.#line.size === 0) this.#collect(requests);
      else if (requests < this.#line.size) this.#askAgain(requests);
    } catch {
      // Asked again at the next beat.
      this.#counts = 0;
    }
  }

  /** Nobody waits for them. */
  #collect(surplus: number): void {
    this.#surplus = surplus;
    this.#loop.want(Math.min(this.#limit, surplus));
    if (surplus > 0) this.#counts = 0;
  }

  #askAgain(requests: number): void {
    const waiting = this.#line.size;
    this.#env.log.warn({ gate: this.#name, waiting, requests }, "runs wait that nobody asks for");
    for (const run of this.#line.waiting()) this.#ask(run);
    this.#counts = 0;
  }

  /** Nobody gets a slot here: what is delivered goes back. */
  get #closed(): boolean {
    return this.#limit === 0 || this.#stopped;
  }

  #pump(): void {
    if (!this.#opened || this.#closed) return;
    const useful = Math.min(this.#limit, this.#line.size + this.#surplus);
    // One request for several slots: those still with the broker serve meanwhile.
    const missing = useful - this.#loop.outstanding;
    if (missing > 0 && missing >= useful / 4) this.#loop.want(useful);
  }

  #delivered({ subject, reply, seq, pending }: Delivery): void {
    this.#counts = 0;
    const slotId = slotIdOf(subject);
    const granting = this.#granting.get(slotId);
    if (this.#gone.has(seq)) this.#env.nc.publish(reply, ACK);
    else if (granting) granting.reply = reply;
    else if (this.#held.has(slotId)) this.#held.set(slotId, reply);
    else {
      this.#give(slotId, reply);
      // One that came into the stream later than it was counted.
      this.#surplus = Math.max(this.#surplus, pending - this.#line.size);
    }
    // One that is held already took the place of one that somebody waits for.
    this.#pump();
  }

  #give(slotId: string, reply: string): void {
    if (this.#closed) {
      this.#env.nc.publish(reply, NAK);
      return;
    }
    const run = this.#line.next();
    if (!run) {
      this.#surplus = Math.max(0, this.#surplus - 1);
      this.#env.nc.publish(reply, ACK);
      this.#pump();
      return;
    }
    this.#granting.set(slotId, { run, reply });
    this.#env.grant(run, {
      at: Date.now(),
      queue: this.#name.queue,
      slotId,
      reply,
      admission: run.admission,
    });
    this.#pump();
  }

  #extend(): void {
    for (const reply of this.#held.values()) this.#env.nc.publish(reply, IN_PROGRESS);
    for (const { reply } of this.#granting.values()) this.#env.nc.publish(reply, IN_PROGRESS);
  }
}
