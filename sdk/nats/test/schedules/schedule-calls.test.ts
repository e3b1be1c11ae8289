/** Schedules made by calls. */
import { BUCKETS, scheduleKey, scheduleRecordSchema, type ScheduleRecord } from "@millrace/proto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Bucket, scheduleRecord, type PlatformCalls } from "../../src/index.ts";
import { Platform, refusal, resize, value } from "../platform.ts";

let platform: Platform;
let calls: PlatformCalls;
let bucket: Bucket<ScheduleRecord>;

const nine = { task: "report", cron: "0 9 * * 1-5", timezone: "Europe/Berlin" };

beforeAll(async () => {
  platform = await Platform.start();
  await platform.register({ ...resize, id: "report", triggerSource: "schedule" });
  const client = await platform.client();
  calls = await client.calls();
  bucket = await Bucket.open(client.nc, BUCKETS.schedules, scheduleRecordSchema);
});
afterAll(() => platform.stop());

const recordOf = async (id: string): Promise<ScheduleRecord | undefined> =>
  (await bucket.get(scheduleKey("dev", id)))?.value;

describe("a schedule", () => {
  test("is made with a description and its next slot", async () => {
    const made = await value(calls, "schedules.create", {
      ...nine,
      deduplicationKey: "described",
      externalId: "user-1",
      window: "30m",
      catchUp: 2,
    });
    expect(made).toEqual({
      id: expect.stringMatching(/^sched_[0-9a-f]{24}$/) as string,
      type: "IMPERATIVE",
      task: "report",
      active: true,
      deduplicationKey: "described",
      externalId: "user-1",
      generator: {
        type: "CRON",
        expression: "0 9 * * 1-5",
        description: "At 09:00 AM, Monday through Friday",
      },
      timezone: "Europe/Berlin",
      window: "30m",
      catchUp: 2,
      nextRun: expect.any(String) as string,
      nextRunEffectiveAt: expect.any(String) as string,
      environments: [{ id: "dev", type: "DEVELOPMENT" }],
    });
    const laterMs = Date.parse(made.nextRunEffectiveAt ?? "") - Date.parse(made.nextRun ?? "");
    expect(Date.parse(made.nextRun ?? "")).toBeGreaterThan(Date.now());
    expect(laterMs).toBeGreaterThanOrEqual(0);
    expect(laterMs).toBeLessThan(30 * 60_000);
    expect(await value(calls, "schedules.retrieve", { id: made.id })).toEqual(made);
  });

  test("made again with its key is changed, and counts anew when it comes at other times", async () => {
    const made = await value(calls, "schedules.create", { ...nine, deduplicationKey: "again" });
    const before = await recordOf(made.id);
    const same = { ...nine, deduplicationKey: "again", externalId: "x" };
    expect((await value(calls, "schedules.create", same)).id).toBe(made.id);
    expect(await recordOf(made.id)).toMatchObject({
      externalId: "x",
      activeSince: before?.activeSince,
      createdAt: before?.createdAt,
    });
    const updated = await value(calls, "schedules.update", {
      id: made.id,
      task: "report",
      cron: "0 10 * * *",
    });
    expect(updated).toMatchObject({
      id: made.id,
      deduplicationKey: "again",
      timezone: "UTC",
      generator: { expression: "0 10 * * *" },
    });
    expect(updated).not.toHaveProperty("externalId");
    const after = await recordOf(made.id);
    expect(after?.activeSince).toBeGreaterThan(before?.activeSince ?? 0);
    expect(after?.createdAt).toBe(before?.createdAt);
  });

  test("is deactivated, and counts anew once it is activated", async () => {
    const { id } = await value(calls, "schedules.create", { ...nine, deduplicationKey: "off" });
    const before = await recordOf(id);
    const off = await value(calls, "schedules.deactivate", { id });
    expect(off.active).toBe(false);
    expect(off).not.toHaveProperty("nextRun");
    // An inactive one that is made again stays so.
    const again = { ...nine, deduplicationKey: "off" };
    expect((await value(calls, "schedules.create", again)).active).toBe(false);
    expect((await value(calls, "schedules.activate", { id })).active).toBe(true);
    expect((await recordOf(id))?.activeSince).toBeGreaterThan(before?.activeSince ?? 0);
    const active = await recordOf(id);
    await value(calls, "schedules.activate", { id });
    expect(await recordOf(id)).toEqual(active);
  });

  test("is deleted", async () => {
    const { id } = await value(calls, "schedules.create", { ...nine, deduplicationKey: "gone" });
    expect(await value(calls, "schedules.delete", { id })).toEqual({ id });
    expect(await refusal(calls, "schedules.retrieve", { id })).toBe("SCHEDULE_NOT_FOUND");
    expect(await refusal(calls, "schedules.delete", { id })).toBe("SCHEDULE_NOT_FOUND");
  });

  test("is its environment's own", async () => {
    const input = { ...nine, deduplicationKey: "described" };
    const made = await calls.call("dev", "schedules.create", input);
    expect(await calls.call("prod", "schedules.create", input)).toMatchObject({
      code: "TASK_NOT_FOUND",
    });
    const id = made.ok ? made.value.id : "";
    expect(await calls.call("prod", "schedules.retrieve", { id })).toMatchObject({
      code: "SCHEDULE_NOT_FOUND",
    });
  });
});

test("schedules are listed in pages, the newest first", async () => {
  for (const deduplicationKey of ["page-1", "page-2", "page-3"])
    await value(calls, "schedules.create", { ...nine, deduplicationKey });
  const first = await value(calls, "schedules.list", { perPage: 2 });
  expect(first.data).toHaveLength(2);
  expect(first.pagination.currentPage).toBe(1);
  const all = await value(calls, "schedules.list", { perPage: 100 });
  expect(all.pagination).toEqual({ currentPage: 1, totalPages: 1, count: all.data.length });
  expect(first.pagination.totalPages).toBe(Math.ceil(all.data.length / 2));
  const times = await Promise.all(all.data.map(async ({ id }) => (await recordOf(id))?.createdAt));
  expect(times).toEqual(times.toSorted((a, b) => Number(b) - Number(a)));
});

test("time zones are listed, with and without UTC", async () => {
  const { timezones } = await value(calls, "schedules.timezones", {});
  expect(timezones).toContain("Europe/Berlin");
  expect(timezones.filter((name) => name === "UTC")).toHaveLength(1);
  const others = await value(calls, "schedules.timezones", { excludeUtc: true });
  expect(others.timezones).toHaveLength(timezones.length - 1);
});

describe("refused is", () => {
  test.each([
    [{ cron: "61 * * * *" }, /Field 1 \(minute\), "61"/],
    [{ cron: "0 0 * * * *" }, /seconds are not supported/],
    [{ timezone: "Mars/Olympus" }, /IANA/],
    [{ window: "25h" }, /window must be/],
  ])("a schedule with %j", async (changes, message) => {
    const input = { ...nine, deduplicationKey: "refused", ...changes };
    expect(await calls.call("dev", "schedules.create", input)).toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringMatching(message) as string,
    });
  });

  test("a task nobody serves, and one that is not for schedules", async () => {
    const input = { ...nine, deduplicationKey: "refused" };
    expect(await refusal(calls, "schedules.create", { ...input, task: "nowhere" })).toBe(
      "TASK_NOT_FOUND",
    );
    expect(await refusal(calls, "schedules.create", { ...input, task: "resize" })).toBe(
      "TASK_NOT_SCHEDULABLE",
    );
  });

  test("changing what is not there", async () => {
    for (const id of ["sched_1", `sched_${"0".repeat(24)}`, "a.b", ">"]) {
      expect(await refusal(calls, "schedules.retrieve", { id })).toBe("SCHEDULE_NOT_FOUND");
      expect(await refusal(calls, "schedules.update", { id, ...nine })).toBe("SCHEDULE_NOT_FOUND");
      expect(await refusal(calls, "schedules.activate", { id })).toBe("SCHEDULE_NOT_FOUND");
      expect(await refusal(calls, "schedules.delete", { id })).toBe("SCHEDULE_NOT_FOUND");
    }
  });

  test("changing what a task's code declares", async () => {
    const maker = { task: "report", source: "code" };
    const record = scheduleRecord("dev", maker, nine, undefined, Date.now());
    await bucket.put(scheduleKey("dev", record.id), record);
    const { id } = record;
    expect((await value(calls, "schedules.retrieve", { id })).type).toBe("DECLARATIVE");
    expect(await refusal(calls, "schedules.update", { id, ...nine })).toBe("SCHEDULE_DECLARED");
    expect(await refusal(calls, "schedules.deactivate", { id })).toBe("SCHEDULE_DECLARED");
    expect(await refusal(calls, "schedules.delete", { id })).toBe("SCHEDULE_DECLARED");
    expect(await recordOf(id)).toEqual(record);
  });
});
