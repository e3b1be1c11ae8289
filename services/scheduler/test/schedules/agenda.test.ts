/** What is due when, by a clock that the test moves. Pure. */
import type { ScheduleRecord } from "@millrace/proto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Agenda, type Slot } from "../../src/schedules/agenda.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const NOON = Date.parse("2025-06-02T12:00Z");

function schedule(changes: Partial<ScheduleRecord> = {}): ScheduleRecord {
  return {
    id: "sched_a",
    type: "IMPERATIVE",
    task: "report",
    active: true,
    cron: "*/5 * * * *",
    timezone: "UTC",
    activeSince: NOON - 30 * DAY_MS,
    createdAt: NOON - 30 * DAY_MS,
    updatedAt: NOON - 30 * DAY_MS,
    ...changes,
  };
}

const times = (slots: readonly Slot[]): string[] =>
  slots.map(({ slotAt }) => new Date(slotAt).toISOString().slice(11, 16));

function agendaAt(nowMs: number, changes: Partial<ScheduleRecord> = {}): Agenda {
  const agenda = new Agenda();
  agenda.set("dev.a", "dev", schedule(changes), nowMs);
  return agenda;
}

describe("an agenda", () => {
  test("hands out each slot at its time, once", () => {
    const agenda = agendaAt(NOON + MINUTE_MS);
    expect(agenda.nextAt).toBe(NOON + 5 * MINUTE_MS);
    expect(agenda.due(NOON + 5 * MINUTE_MS - 1)).toEqual([]);
    expect(times(agenda.due(NOON + 5 * MINUTE_MS))).toEqual(["12:05"]);
    expect(agenda.due(NOON + 5 * MINUTE_MS)).toEqual([]);
    expect(agenda.nextAt).toBe(NOON + 10 * MINUTE_MS);
  });

  test("orders the slots of several schedules by their time", () => {
    const agenda = agendaAt(NOON + 1000);
    agenda.set("dev.b", "dev", schedule({ id: "sched_b", cron: "3 * * * *" }), NOON + 1000);
    agenda.set("dev.c", "dev", schedule({ id: "sched_c", cron: "7 * * * *" }), NOON + 1000);
    agenda.due(NOON + 2000);
    const due = agenda.due(NOON + 7 * MINUTE_MS);
    expect(due.map(({ key }) => key)).toEqual(["dev.b", "dev.a", "dev.c"]);
  });

  test("begins half a minute in the past, and not before the schedule was active", () => {
    expect(times(agendaAt(NOON + 20_000).due(NOON + 20_000))).toEqual(["12:00"]);
    expect(agendaAt(NOON + 40_000).due(NOON + 40_000)).toEqual([]);
    expect(agendaAt(NOON + 20_000, { activeSince: NOON + 10_000 }).due(NOON + 20_000)).toEqual([]);
    expect(times(agendaAt(NOON, { activeSince: NOON }).due(NOON))).toEqual(["12:00"]);
  });

  test("still has a slot whose window has not passed when it begins", () => {
    const hourly = { cron: "0 * * * *", window: "100%" };
    const [slot] = agendaAt(NOON, hourly).due(NOON + HOUR_MS);
    expect(slot?.slotAt).toBe(NOON);
    const dueAt = slot?.dueAt ?? 0;
    expect(agendaAt(dueAt - 1000, hourly).nextAt).toBe(dueAt);
    expect(agendaAt(dueAt + 31_000, hourly).nextAt).toBe(dueAt + HOUR_MS);
  });

  test("forgets what is deactivated, changed or removed", () => {
    const agenda = agendaAt(NOON + MINUTE_MS);
    agenda.set("dev.a", "dev", schedule({ active: false }), NOON + MINUTE_MS);
    expect(agenda.nextAt).toBeUndefined();
    agenda.set("dev.a", "dev", schedule({ cron: "7 * * * *" }), NOON + MINUTE_MS);
    expect(agenda.nextAt).toBe(NOON + 7 * MINUTE_MS);
    agenda.delete("dev.a");
    expect(agenda.nextAt).toBeUndefined();
    expect(agenda.size).toBe(0);
  });

  test("goes on where it was when a change leaves the times as they are", () => {
    const agenda = agendaAt(NOON + 1000);
    agenda.due(NOON + 1000);
    agenda.set("dev.a", "dev", schedule({ externalId: "x" }), NOON + 2000);
    expect(agenda.nextAt).toBe(NOON + 5 * MINUTE_MS);
    expect(agenda.due(NOON + 5 * MINUTE_MS)[0]?.record.externalId).toBe("x");
  });

  test("leaves alone what it cannot read", () => {
    expect(agendaAt(NOON, { cron: "every day" }).nextAt).toBeUndefined();
    expect(agendaAt(NOON, { timezone: "Mars/Olympus" }).nextAt).toBeUndefined();
  });

  test("is not slowed down by a thousand schedules that change a hundred times", () => {
    const agenda = new Agenda();
    const startedAt = performance.now();
    for (let change = 0; change < 100; change++)
      for (let i = 0; i < 1000; i++)
        agenda.set(`dev.${i}`, "dev", schedule({ cron: `${change % 60} 3 * * *` }), NOON);
    expect(agenda.due(NOON + 15 * HOUR_MS + 40 * MINUTE_MS)).toHaveLength(1000);
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });
});

describe("a clock that is set", () => {
  test("an hour forward loses nothing", () => {
    const agenda = agendaAt(NOON + MINUTE_MS, { cron: "*/20 * * * *" });
    expect(times(agenda.due(NOON + HOUR_MS + MINUTE_MS))).toEqual(["12:20", "12:40", "13:00"]);
  });

  test("an hour back repeats nothing", () => {
    const agenda = agendaAt(NOON + MINUTE_MS, { cron: "*/20 * * * *" });
    expect(times(agenda.due(NOON + 40 * MINUTE_MS))).toEqual(["12:20", "12:40"]);
    expect(agenda.due(NOON - 20 * MINUTE_MS)).toEqual([]);
    expect(agenda.due(NOON + 40 * MINUTE_MS)).toEqual([]);
    expect(times(agenda.due(NOON + HOUR_MS))).toEqual(["13:00"]);
  });

  test("to and fro, hands out every slot once, in order", () => {
    const steps = fc.array(fc.integer({ min: -HOUR_MS, max: HOUR_MS }), { minLength: 1 });
    fc.assert(
      fc.property(
        steps,
        fc.constantFrom("* * * * *", "*/7 * * * *", "0 * * * *"),
        (jumps, cron) => {
          const agenda = agendaAt(NOON, { cron, activeSince: NOON });
          const slots: number[] = [];
          let latest = NOON - 1;
          let nowMs = NOON;
          for (const jump of jumps) {
            nowMs += jump;
            latest = Math.max(latest, nowMs);
            slots.push(...agenda.due(nowMs).map(({ slotAt }) => slotAt));
          }
          const fresh = agendaAt(NOON, { cron, activeSince: NOON });
          const expected: number[] = [];
          for (let at = NOON; at <= latest; at += MINUTE_MS)
            expected.push(...fresh.due(at).map(({ slotAt }) => slotAt));
          expect(slots).toEqual(expected);
        },
      ),
    );
  });
});

describe("missed slots", () => {
  const missed = (changes: Partial<ScheduleRecord>, nowMs = NOON + 2 * MINUTE_MS): string[] =>
    times(new Agenda().set("dev.a", "dev", schedule(changes), nowMs));

  test("are skipped", () => {
    expect(missed({})).toEqual([]);
  });

  test("are made up for as far as the schedule says, the last ones", () => {
    expect(missed({ catchUp: 3 })).toEqual(["11:50", "11:55", "12:00"]);
  });

  test("count since the schedule was active, and for a week at most", () => {
    expect(missed({ catchUp: 3, activeSince: NOON - 6 * MINUTE_MS })).toEqual(["11:55", "12:00"]);
    expect(missed({ catchUp: 20, cron: "0 0 * * *" })).toHaveLength(7);
  });

  test("are also those of a process that slept for hours", () => {
    const agenda = agendaAt(NOON, { cron: "0 * * * *", catchUp: 2, activeSince: NOON });
    const due = agenda.due(NOON + 5 * HOUR_MS + 10 * MINUTE_MS);
    expect(times(due)).toEqual(["16:00", "17:00"]);
    expect(agenda.nextAt).toBe(NOON + 6 * HOUR_MS);
  });

  test("are handed out once: what is due next comes after them", () => {
    const agenda = new Agenda();
    const changes = { catchUp: 2, cron: "0 * * * *", window: "50%" };
    const [first, second] = agenda.set("dev.a", "dev", schedule(changes), NOON + 40 * MINUTE_MS);
    expect([first?.slotAt, second?.slotAt]).toEqual([NOON - HOUR_MS, NOON]);
    expect(agenda.due(NOON + 2 * HOUR_MS).map(({ slotAt }) => slotAt)).toEqual([NOON + HOUR_MS]);
  });
});
