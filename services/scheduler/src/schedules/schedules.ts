/**
 * Cron schedules. Every scheduler follows all of them; of each slot one scheduler is the owner, and triggers it at its
 * time. The others trigger it two seconds later, if it is not in the log by then: whoever is killed, delays nothing by more.
 *
 * Nothing is remembered but the schedules' records: what is due follows from them and the clock, and what was triggered
 * from the log. So a scheduler may be killed at any instant, and started again.
 */
import {
  BUCKETS,
  RUNS,
  runSubject,
  scheduleRecordSchema,
  type ScheduleRecord,
} from "@millrace/proto";
import {
  Bucket,
  Catalog,
  lastMessages,
  RunClient,
  type Change,
  type Logger,
  type NatsConnection,
  type Publisher,
} from "@millrace/service-kit";
import { Agenda, type Slot } from "./agenda.ts";
import { Colleagues } from "./colleagues.ts";
import type { SchedulerMetrics } from "../scheduler-metrics.ts";
import { SlotTrigger } from "./slot-trigger.ts";

/** How long others wait for a slot's owner. */
const GRACE_MS = 2000;
/** How long a clock that was set may go unnoticed. */
const LOOK_MS = 1000;
/** How long it is worth finding out what need not be triggered: triggering it again is harmless. */
const LOOK_UP_MS = 1000;
/** Many slots at the same time are spread: so many in one turn, with a pause after it. */
const PER_TURN = 64;
const TURN_MS = 10;

/** Somebody else's slots, and when to look after them (by the monotonic clock). */
type Watched = { readonly lookAt: number; readonly slots: readonly Slot[] };

export type SchedulesParts = {
  readonly nc: NatsConnection;
  readonly publisher: Publisher;
  readonly log: Logger;
  readonly metrics: SchedulerMetrics;
};

export class Schedules {
  readonly #nc: NatsConnection;
  readonly #log: Logger;
  readonly #agenda = new Agenda();
  readonly #colleagues: Colleagues;
  readonly #catalog: Catalog;
  readonly #trigger: SlotTrigger;
  readonly #due: Slot[] = [];
  readonly #watched: Watched[] = [];
  #stopFollowing: () => Promise<void> = async () => undefined;
  #alarm: NodeJS.Timeout | undefined;
  #isTriggering = false;
  /** All schedules are known that were there at the start. */
  #isComplete = false;
  #isStopped = false;

  private constructor(parts: SchedulesParts, colleagues: Colleagues, catalog: Catalog) {
    this.#nc = parts.nc;
    this.#log = parts.log;
    this.#colleagues = colleagues;
    this.#catalog = catalog;
    this.#trigger = new SlotTrigger({
      catalog,
      client: new RunClient(parts.nc, parts.publisher, catalog),
      log: parts.log,
      metrics: parts.metrics,
      isWanted: (key) => this.#agenda.has(key),
    });
  }

  /** Resolves when all schedules are known. */
  static async start(
    parts: SchedulesParts & {
      /** This scheduler's, among its colleagues. */
      readonly id: string;
    },
  ): Promise<Schedules> {
    const { nc, id, log } = parts;
    const colleagues = await Colleagues.start(nc, id, log);
    const schedules = new Schedules(parts, colleagues, await Catalog.open(nc));
    const bucket = await Bucket.open(nc, BUCKETS.schedules, scheduleRecordSchema);
    const feed = await bucket.watch(">", (change) => schedules.#changed(change));
    schedules.#stopFollowing = () => feed.stop();
    schedules.#isComplete = true;
    schedules.#look();
    return schedules;
  }

  /** How many schedules are active. */
  get size(): number {
    return this.#agenda.size;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#alarm);
    this.#trigger.stop();
    this.#due.length = 0;
    await Promise.all([this.#stopFollowing(), this.#colleagues.stop(), this.#catalog.close()]);
  }

  #changed({ key, value }: Change<ScheduleRecord>): void {
    this.#trigger.forget(key);
    if (!value) {
      this.#agenda.delete(key);
      return;
    }
    const env = key.slice(0, key.indexOf("."));
    const missed = this.#agenda.set(key, env, value, Date.now());
    // Most of them were triggered by those who missed nothing.
    if (missed.length > 0) this.#watched.push({ lookAt: performance.now(), slots: missed });
    // The alarm that is set, if one is, may be for later than this one.
    if (this.#isComplete) this.#look();
  }

  #look(): void {
    if (this.#isStopped) return;
    clearTimeout(this.#alarm);
    const nowMs = Date.now();
    const others: Slot[] = [];
    for (const slot of this.#agenda.due(nowMs))
      (this.#colleagues.isMine(slot.record.id, slot.slotAt) ? this.#due : others).push(slot);
    if (others.length > 0)
      this.#watched.push({ lookAt: performance.now() + GRACE_MS, slots: others });
    this.#lookAfterOthers();
    void this.#triggerDue();
    const inMs = Math.min(this.#nextDueInMs(nowMs), this.#nextWatchedInMs());
    if (Number.isFinite(inMs))
      this.#alarm = setTimeout(() => this.#look(), Math.max(1, Math.min(LOOK_MS, inMs)));
  }

  #nextDueInMs(nowMs: number): number {
    const nextAt = this.#agenda.nextAt;
    return nextAt === undefined ? Number.POSITIVE_INFINITY : nextAt - nowMs;
  }

  #nextWatchedInMs(): number {
    return Math.min(...this.#watched.map(({ lookAt }) => lookAt - performance.now()));
  }

  #lookAfterOthers(): void {
    const nowMs = performance.now();
    const slots: Slot[] = [];
    for (let at = 0; at < this.#watched.length;) {
      const watched = this.#watched[at] as Watched;
      if (watched.lookAt <= nowMs) {
        slots.push(...watched.slots);
        this.#watched.splice(at, 1);
      } else at++;
    }
    if (slots.length > 0) void this.#triggerMissing(slots);
  }

  async #triggerMissing(slots: readonly Slot[]): Promise<void> {
    const patience = new Promise<readonly Slot[]>((resolve) =>
      setTimeout(() => resolve(slots), LOOK_UP_MS),
    );
    const found = this.#missing(slots).catch((error: unknown) => {
      // Triggering says it, too.
      this.#log.debug({ err: error }, "looking slots up failed");
      return slots;
    });
    const missing = await Promise.race([found, patience]);
    if (missing.length > 0)
      this.#log.info({ slots: missing.length }, "triggering slots that others did not");
    this.#due.push(...missing);
    void this.#triggerDue();
  }

  /** Those whose run is not in the log; one without a task is for the trigger to judge. */
  async #missing(slots: readonly Slot[]): Promise<Slot[]> {
    const missing: Slot[] = [];
    const bySubject = new Map<string, Slot>();
    for (const slot of slots) {
      const runId = await this.#trigger.runIdOf(slot);
      if (runId === undefined) missing.push(slot);
      else bySubject.set(runSubject(slot.env, runId, "client"), slot);
    }
    const found = await lastMessages(this.#nc, RUNS.name, [...bySubject.keys()]);
    for (const { subject } of found) bySubject.delete(subject);
    return [...missing, ...bySubject.values()];
  }

  async #triggerDue(): Promise<void> {
    if (this.#isTriggering) return;
    this.#isTriggering = true;
    while (this.#due.length > 0) {
      for (const slot of this.#due.splice(0, PER_TURN)) void this.#trigger.trigger(slot);
      await new Promise((resolve) => setTimeout(resolve, TURN_MS));
    }
    this.#isTriggering = false;
  }
}
