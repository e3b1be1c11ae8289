/**
 * Fires timers at their time by this process's own clock, where the broker alone would be up to a quarter of a second
 * late.
 *
 * Owns: hearing of timers as they are armed, and being there when they are due. Does not own: their durability. The
 * broker fires every timer nobody has fired and removed: one this process never heard of, or forgot with its end.
 *
 * 1. Each armed timer is told to one of the schedulers; nothing is kept but its subject and time.
 * 2. A timer is fired only if the broker still has it as it was armed: one that was disarmed or moved is not.
 * 3. It is removed only after its firing is stored, and only as it was read: one armed again meanwhile stays.
 */
import { ARMED_TIMERS, TIMERS } from "@millrace/proto";
import {
  lastMessages,
  purgeSubject,
  type Logger,
  type NatsConnection,
  type Publisher,
} from "@millrace/service-kit";
import { fire, readTimer } from "./fire.ts";
import type { SchedulerMetrics } from "./scheduler-metrics.ts";

/** What is armed further ahead is left to the broker: memory is for those it matters to. */
const HORIZON_MS = 24 * 3_600_000;
/** Those of a crowd are fired while the next ones are read. */
const READ_AT_ONCE = 256;
/** The group in which the schedulers share the armed timers. */
const GROUP = "schedulers";

type Armed = { readonly dueAt: number; readonly alarm: NodeJS.Timeout };

export class PunctualTimers {
  readonly #nc: NatsConnection;
  readonly #publisher: Publisher;
  readonly #log: Logger;
  readonly #metrics: SchedulerMetrics;
  readonly #armed = new Map<string, Armed>();
  #due = new Map<string, number>();
  readonly #stop: () => void;

  constructor(nc: NatsConnection, publisher: Publisher, log: Logger, metrics: SchedulerMetrics) {
    this.#nc = nc;
    this.#publisher = publisher;
    this.#log = log;
    this.#metrics = metrics;
    const subscription = nc.subscribe(ARMED_TIMERS, {
      queue: GROUP,
      callback: (error, { subject, data }) => {
        if (!error) this.#hear(subject, data);
      },
    });
    this.#stop = () => subscription.unsubscribe();
  }

  /** How many timers this process will be there for. */
  get size(): number {
    return this.#armed.size;
  }

  stop(): void {
    this.#stop();
    for (const { alarm } of this.#armed.values()) clearTimeout(alarm);
    this.#armed.clear();
    this.#due.clear();
  }

  #hear(subject: string, data: Uint8Array): void {
    const timer = readTimer(subject, data);
    if (!timer) return;
    clearTimeout(this.#armed.get(subject)?.alarm);
    const { dueAt } = timer;
    const inMs = dueAt - Date.now();
    if (inMs > HORIZON_MS) {
      this.#armed.delete(subject);
      return;
    }
    const alarm = setTimeout(() => this.#ring(subject, dueAt), Math.max(0, inMs));
    this.#armed.set(subject, { dueAt, alarm });
  }

  #ring(subject: string, dueAt: number): void {
    // This clock's alarms may be a millisecond early.
    const earlyMs = dueAt - Date.now();
    if (earlyMs > 0) {
      const alarm = setTimeout(() => this.#ring(subject, dueAt), earlyMs);
      this.#armed.set(subject, { dueAt, alarm });
      return;
    }
    this.#armed.delete(subject);
    if (this.#due.size === 0) setImmediate(() => this.#fireDue());
    this.#due.set(subject, dueAt);
  }

  #fireDue(): void {
    const due = this.#due;
    this.#due = new Map();
    this.#fireAll(due).catch((error: unknown) => {
      this.#log.debug({ err: error, timers: due.size }, "left to the broker");
    });
  }

  /** What fails here is fired by the broker. */
  async #fireAll(due: ReadonlyMap<string, number>): Promise<void> {
    const subjects = [...due.keys()];
    const fired: { readonly subject: string; readonly seq: number }[] = [];
    const firing: Promise<unknown>[] = [];
    for (let at = 0; at < subjects.length; at += READ_AT_ONCE) {
      const slice = subjects.slice(at, at + READ_AT_ONCE);
      for (const { subject, seq, data } of await lastMessages(this.#nc, TIMERS.name, slice)) {
        const timer = readTimer(subject, data);
        if (!timer || timer.dueAt !== due.get(subject)) continue;
        firing.push(
          fire(this.#publisher, timer, this.#metrics).then(() => fired.push({ subject, seq })),
        );
      }
    }
    await Promise.allSettled(firing);
    // Removing costs the broker more than firing: nobody waits for it.
    await Promise.all(
      fired.map(({ subject, seq }) => purgeSubject(this.#nc, TIMERS.name, subject, seq)),
    );
  }
}
