/** `schedules`: tasks for schedules, the payload of their runs, and schedules that code makes. */
import { describe, expect, expectTypeOf, it } from "vitest";
import { readCron, scheduleRecord, slotPayload } from "@millrace/nats";
import type { ScheduleView } from "@millrace/proto";
import { schedules, task, type ScheduledTaskPayload, type Task } from "../src/index.ts";
import { fromPacket } from "../src/packets.ts";
import { definedTasks } from "../src/registry.ts";
import { fakeRun } from "./fake-run.ts";

const defined = (id: string) => definedTasks().find((each) => each.id === id);

describe("schedules.task", () => {
  it("defines a task with the payload of a slot", () => {
    const report = schedules.task({
      id: "report",
      cron: "0 9 * * 1-5",
      retry: { maxAttempts: 2 },
      run: async ({ timestamp, lastTimestamp, upcoming }) =>
        lastTimestamp ? timestamp.getTime() - lastTimestamp.getTime() : upcoming.length,
    });
    expectTypeOf(report).toEqualTypeOf<Task<"report", ScheduledTaskPayload, number>>();
    expect(defined("report")).toMatchObject({
      triggerSource: "schedule",
      schedule: { cron: "0 9 * * 1-5", timezone: "UTC" },
      retry: { maxAttempts: 2 },
    });
  });

  it("takes a pattern with its time zone, window, environments and catch-up", () => {
    schedules.task({
      id: "spread",
      cron: {
        pattern: "0 * * * *",
        timezone: "Asia/Tokyo",
        window: "30m",
        environments: ["PRODUCTION"],
        catchUp: 3,
      },
      run: () => undefined,
    });
    expect(defined("spread")?.schedule).toEqual({
      cron: "0 * * * *",
      timezone: "Asia/Tokyo",
      window: "30m",
      environments: ["PRODUCTION"],
      catchUp: 3,
    });
  });

  it("may have no times of its own", () => {
    schedules.task({ id: "by-calls", run: () => undefined });
    expect(defined("by-calls")).toMatchObject({ triggerSource: "schedule" });
    expect(defined("by-calls")?.schedule).toBeUndefined();
    task({ id: "plain", run: () => undefined });
    expect(defined("plain")?.triggerSource).toBeUndefined();
  });

  it.each<[unknown, RegExp]>([
    [5, /cron is an expression/],
    [{ timezone: "UTC" }, /cron is an expression/],
    [{ pattern: "* * * * *", zone: "UTC" }, /"cron.zone" is not supported/],
    [{ pattern: "* * * * *", environments: "PRODUCTION" }, /cron.environments is a list/],
    [{ pattern: "* * * * *", catchUp: -1 }, /cron.catchUp is a number of slots from 0 to 1000/],
  ])("refuses a cron of %j", (cron, message) => {
    const define = () =>
      schedules.task({ id: "refused", cron: cron as string, run: () => undefined });
    expect(define).toThrow(message);
    expect(defined("refused")).toBeUndefined();
  });
});

describe("a slot's payload", () => {
  const read = readCron("30 2 * * *", "Europe/Berlin");
  if (!read.ok) throw new Error(read.problem.message);
  const slotAt = Date.parse("2025-03-30T01:30Z");
  const settings = { task: "report", cron: "30 2 * * *", timezone: "Europe/Berlin" };
  const since = Date.parse("2025-03-29T01:30Z");

  it("is v4's, with real dates", () => {
    const maker = { deduplicationKey: "user-1" };
    const record = scheduleRecord(
      "dev",
      maker,
      { ...settings, externalId: "u1" },
      undefined,
      since,
    );
    const payload = fromPacket(slotPayload(record, read.cron, slotAt)) as ScheduledTaskPayload;
    expect(payload).toEqual({
      type: "IMPERATIVE",
      timestamp: new Date("2025-03-30T01:30Z"),
      lastTimestamp: new Date("2025-03-29T01:30Z"),
      timezone: "Europe/Berlin",
      scheduleId: record.id,
      externalId: "u1",
      upcoming: expect.any(Array) as Date[],
    });
    expect(payload.upcoming).toHaveLength(10);
    expect(payload.upcoming.slice(0, 2)).toEqual([
      new Date("2025-03-31T00:30Z"),
      new Date("2025-04-01T00:30Z"),
    ]);
  });

  it("has no slot before the schedule's first one", () => {
    const maker = { task: "report", source: "code" };
    const record = scheduleRecord("dev", maker, settings, undefined, since + 1);
    const payload = fromPacket(slotPayload(record, read.cron, slotAt)) as ScheduledTaskPayload;
    expect(payload.type).toBe("DECLARATIVE");
    expect(payload).not.toHaveProperty("lastTimestamp");
    expect(payload).not.toHaveProperty("externalId");
  });
});

describe("schedules that code makes", () => {
  const view: ScheduleView = {
    id: "sched_1",
    type: "IMPERATIVE",
    task: "report",
    active: true,
    deduplicationKey: "k",
    generator: { type: "CRON", expression: "0 9 * * *", description: "At 09:00 AM" },
    timezone: "UTC",
    nextRun: "2030-01-01T09:00:00.000Z",
    nextRunEffectiveAt: "2030-01-01T09:00:05.000Z",
    environments: [{ id: "dev", type: "DEVELOPMENT" }],
  };
  const { nextRun: _next, nextRunEffectiveAt: _at, ...inactive } = view;
  const run = fakeRun({
    calls: {
      "schedules.create": () => view,
      "schedules.retrieve": () => view,
      "schedules.update": () => view,
      "schedules.delete": ({ id }) => ({ id }),
      "schedules.activate": () => view,
      "schedules.deactivate": () => ({ ...inactive, active: false }),
      "schedules.list": () => ({
        data: [view],
        pagination: { currentPage: 1, totalPages: 1, count: 1 },
      }),
      "schedules.timezones": () => ({ timezones: ["UTC"] }),
    },
  });
  const dates = {
    nextRun: new Date("2030-01-01T09:00Z"),
    nextRunEffectiveAt: new Date("2030-01-01T09:00:05Z"),
  };

  it("are created, found, changed and deleted", async () => {
    await run.execute(async () => {
      const settings = { task: "report", cron: "0 9 * * *" };
      const created = await schedules.create({ ...settings, deduplicationKey: "k" });
      expect(created).toEqual({ ...view, ...dates });
      expect(await schedules.retrieve("sched_1")).toMatchObject(dates);
      expect(await schedules.update("sched_1", settings)).toMatchObject(dates);
      expect(await schedules.activate("sched_1")).toMatchObject(dates);
      expect(await schedules.deactivate("sched_1")).toEqual({ ...inactive, active: false });
      expect((await schedules.list({ page: 1 })).data).toMatchObject([dates]);
      expect(await schedules.del("sched_1")).toEqual({ id: "sched_1" });
      expect(await schedules.timezones({ excludeUtc: false })).toEqual({ timezones: ["UTC"] });
    });
    expect(run.asked).toEqual([
      ["schedules.create", { task: "report", cron: "0 9 * * *", deduplicationKey: "k" }],
      ["schedules.retrieve", { id: "sched_1" }],
      ["schedules.update", { id: "sched_1", task: "report", cron: "0 9 * * *" }],
      ["schedules.activate", { id: "sched_1" }],
      ["schedules.deactivate", { id: "sched_1" }],
      ["schedules.list", { page: 1 }],
      ["schedules.delete", { id: "sched_1" }],
      ["schedules.timezones", { excludeUtc: false }],
    ]);
  });

  it("need a deduplication key", async () => {
    await run.execute(async () => {
      const options = { task: "report", cron: "0 9 * * *" } as never;
      await expect(schedules.create(options)).rejects.toThrow(/deduplicationKey/);
    });
  });
});
