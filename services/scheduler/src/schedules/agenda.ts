/**
 * Which slot of which schedule is due when. Pure: the clock is an argument.
 *
 * Owns: the next slot of every active schedule, in the order of their times. Does not own: that a slot is triggered, and
 * only once; that lies in its run's id.
 *
 * 1. Each slot is handed out once by one agenda, in a schedule's order, whatever the clock does: the next slot is the one
 *    after the last, not the one after now.
 * 2. A schedule that is heard of begins a little in the past (`RECENT_MS`): others may have been about to trigger it.
 * 3. Slots before that were missed; so were those that are over `LATE_MAX_MS` late because this process slept. Missed slots
 *    are skipped, but for the last `catchUp` of the last week.
 */
import type { ScheduleRecord } from "@millrace/proto";
import {
  effectiveAt,
  Heap,
  readCron,
  slotAfter,
  slotBefore,
  type Cron,
} from "@millrace/service-kit";

export type Slot = {
  /** The schedule's key in its bucket. */
  readonly key: string;
  readonly env: string;
  readonly record: ScheduleRecord;
  readonly cron: Cron;
  readonly slotAt: number;
  /** The same, with what the window adds. */
  readonly dueAt: number;
};

type Entry = Pick<Slot, "key" | "env" | "record" | "cron"> & { next: Slot | undefined };
type Item = { readonly entry: Entry; readonly dueAt: number };

const RECENT_MS = 30_000;
const LATE_MAX_MS = 2 * 3_600_000;
const CATCH_UP_MS = 7 * 24 * 3_600_000;
/** Items of schedules that have changed are left in the heap until they are this many more than schedules. */
const LEFTOVERS = 10_000;

export class Agenda {
  readonly #entries = new Map<string, Entry>();
  /** Schedules that come at the same times share one. */
  readonly #crons = new Map<string, Cron>();
  #heap = newHeap();

  get size(): number {
    return this.#entries.size;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** When `due` has something to give; undefined: never. */
  get nextAt(): number | undefined {
    for (;;) {
      const item = this.#heap.peek();
      if (!item || this.#isCurrent(item)) return item?.dueAt;
      this.#heap.pop();
    }
  }

  /**
   * A schedule is there, or has changed. One that comes at the same times as before goes on where it was.
   * @returns the missed slots to be made up for, in order
   */
  set(key: string, env: string, record: ScheduleRecord, nowMs: number): readonly Slot[] {
    const known = this.#entries.get(key);
    this.#entries.delete(key);
    const cron = record.active ? this.#cronOf(record) : undefined;
    if (!cron) return [];
    const entry: Entry = { key, env, record, cron, next: undefined };
    this.#entries.set(key, entry);
    if (known && isSameTimes(known.record, record)) {
      if (known.next) this.#wait(entry, known.next.slotAt);
      return [];
    }
    return this.#begin(entry, record.activeSince, nowMs);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  /** Takes out what is due, in the order of its times. */
  due(nowMs: number): readonly Slot[] {
    const slots: Slot[] = [];
    for (let at = this.nextAt; at !== undefined && at <= nowMs; at = this.nextAt) {
      const { entry } = this.#heap.pop() as Item;
      const slot = entry.next as Slot;
      if (nowMs - slot.dueAt > LATE_MAX_MS) {
        slots.push(...this.#begin(entry, slot.slotAt, nowMs));
        continue;
      }
      slots.push(slot);
      this.#wait(entry, slotAfter(entry.cron, slot.slotAt));
    }
    return slots;
  }

  /** From the first slot that is due recently or later; of those before it, from `sinceMs` on, the last are made up for. */
  #begin(entry: Entry, sinceMs: number, nowMs: number): readonly Slot[] {
    const { cron, record } = entry;
    const recentMs = nowMs - RECENT_MS;
    const before = recentMs > sinceMs ? slotBefore(cron, recentMs, sinceMs) : undefined;
    const isBeforeDue = before !== undefined && effectiveAt(cron, record, before) >= recentMs;
    const first = isBeforeDue ? before : slotAfter(cron, Math.max(sinceMs, recentMs) - 1);
    this.#wait(entry, first);
    const missed: Slot[] = [];
    const oldest = Math.max(sinceMs, nowMs - CATCH_UP_MS);
    let slotAt = isBeforeDue ? slotBefore(cron, before, oldest) : before;
    while (slotAt !== undefined && slotAt >= oldest && missed.length < (record.catchUp ?? 0)) {
      missed.unshift(slotOf(entry, slotAt));
      slotAt = slotBefore(cron, slotAt, oldest);
    }
    return missed;
  }

  #wait(entry: Entry, slotAt: number | undefined): void {
    entry.next = slotAt === undefined ? undefined : slotOf(entry, slotAt);
    if (!entry.next) return;
    if (this.#heap.size > this.#entries.size + LEFTOVERS) this.#rebuild();
    this.#heap.push({ entry, dueAt: entry.next.dueAt });
  }

  #rebuild(): void {
    const old = this.#heap;
    this.#heap = newHeap();
    for (let item = old.pop(); item; item = old.pop())
      if (this.#isCurrent(item)) this.#heap.push(item);
  }

  #isCurrent({ entry, dueAt }: Item): boolean {
    return this.#entries.get(entry.key) === entry && entry.next?.dueAt === dueAt;
  }

  #cronOf({ cron: expression, timezone }: ScheduleRecord): Cron | undefined {
    const name = `${timezone}\n${expression}`;
    const known = this.#crons.get(name);
    if (known) return known;
    const read = readCron(expression, timezone);
    // Written by a later version, or by one with other zones.
    if (!read.ok) return undefined;
    this.#crons.set(name, read.cron);
    return read.cron;
  }
}

function newHeap(): Heap<Item> {
  return new Heap<Item>((a, b) => a.dueAt < b.dueAt);
}

function slotOf({ key, env, record, cron }: Entry, slotAt: number): Slot {
  return { key, env, record, cron, slotAt, dueAt: effectiveAt(cron, record, slotAt) };
}

function isSameTimes(a: ScheduleRecord, b: ScheduleRecord): boolean {
  return (
    a.activeSince === b.activeSince &&
    a.cron === b.cron &&
    a.timezone === b.timezone &&
    a.window === b.window
  );
}
