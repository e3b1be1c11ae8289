/** `schedules`: made, changed, stopped and listed. */
import { runs, schedules } from "@trigger.dev/sdk";
import { expect, test } from "vitest";
import { ONCE } from "./support.ts";

const DAILY = { task: "tick", cron: "0 9 * * *", timezone: "Europe/Berlin" } as const;

export function scheduling(): void {
  test("a schedule is made once for its key, and updated when it is made again", async () => {
    const made = await schedules.create({
      ...DAILY,
      deduplicationKey: "daily",
      externalId: "user-1",
    });
    expect(made).toMatchObject({
      type: "IMPERATIVE",
      task: "tick",
      active: true,
      deduplicationKey: "daily",
      externalId: "user-1",
      timezone: "Europe/Berlin",
      generator: { type: "CRON", expression: "0 9 * * *" },
    });
    expect(made.id).toMatch(/^sched_/);
    expect(made.nextRun).toBeInstanceOf(Date);
    const again = await schedules.create({
      ...DAILY,
      cron: "0 10 * * *",
      deduplicationKey: "daily",
    });
    expect(again.id).toBe(made.id);
    expect(again.generator.expression).toBe("0 10 * * *");
  });

  test("it is retrieved, updated, stopped, started and deleted", async () => {
    const { id } = await schedules.create({ ...DAILY, deduplicationKey: "changing" });
    expect((await schedules.retrieve(id)).id).toBe(id);
    const updated = await schedules.update(id, { task: "tick", cron: "*/5 * * * *" });
    expect(updated.generator.expression).toBe("*/5 * * * *");
    expect((await schedules.deactivate(id)).active).toBe(false);
    expect((await schedules.activate(id)).active).toBe(true);
    expect(await schedules.del(id)).toEqual({ id });
    await expect(schedules.retrieve(id, ONCE)).rejects.toMatchObject({ status: 404 });
  });

  test("schedules are listed in pages, those that tasks declare among them", async () => {
    await schedules.create({ ...DAILY, deduplicationKey: "listed" });
    const all: { task: string; type: string }[] = [];
    for await (const schedule of schedules.list({ perPage: 1 })) all.push(schedule);
    expect(all).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ task: "tick", type: "IMPERATIVE" }),
        expect.objectContaining({ task: "nightly", type: "DECLARATIVE" }),
      ]),
    );
  });

  test("timezones are listed", async () => {
    const { timezones } = await schedules.timezones();
    expect(timezones).toEqual(expect.arrayContaining(["UTC", "Europe/Berlin"]));
    expect((await schedules.timezones({ excludeUtc: true })).timezones).not.toContain("UTC");
  });

  test("a bad pattern and an unknown task are refused", async () => {
    const bad = schedules.create({ ...DAILY, cron: "often", deduplicationKey: "bad" }, ONCE);
    await expect(bad).rejects.toMatchObject({ status: expect.toBeOneOf([400, 422]) as number });
    const unknown = schedules.create({ ...DAILY, task: "nobody", deduplicationKey: "none" }, ONCE);
    await expect(unknown).rejects.toMatchObject({
      status: expect.toBeOneOf([400, 404, 422]) as number,
    });
  });

  test("no run has a schedule yet", async () => {
    const { id } = await schedules.create({ ...DAILY, deduplicationKey: "without-runs" });
    expect((await runs.list({ schedule: id })).data).toEqual([]);
  });
}
