/** Schedules that task files declare. */
import { expect, test } from "vitest";
import {
  agentKey,
  agentRecordSchema,
  BUCKETS,
  scheduleKey,
  scheduleRecordSchema,
  taskKey,
  taskRecordSchema,
  type ScheduleRecord,
} from "@millrace/proto";
import { Bucket, scheduleIdOf, scheduleRecord } from "@millrace/nats";
import type { AgentProcess } from "./support/agent-process.ts";
import { setUp } from "./support/setup.ts";

const setup = setUp({
  "tasks.ts": `
    import { schedules, task } from "@millrace/sdk";
    const run = () => 1;
    schedules.task({ id: "daily", cron: "0 9 * * *", run });
    schedules.task({
      id: "tokyo",
      cron: { pattern: "*/5 * * * *", timezone: "Asia/Tokyo", window: "10%", catchUp: 2 },
      run,
    });
    schedules.task({ id: "production", cron: { pattern: "0 9 * * *", environments: ["PRODUCTION"] }, run });
    schedules.task({ id: "by-calls", run });
    schedules.task({ id: "unreadable", cron: "61 * * * *", run });
    task({ id: "plain", run });
  `,
});

const idOf = (task: string): string => scheduleIdOf("dev", { task });

async function start(env: Record<string, string> = {}): Promise<AgentProcess> {
  return await setup().agent(env);
}

async function bucket(): Promise<Bucket<ScheduleRecord>> {
  return await Bucket.open(setup().broker.nc, BUCKETS.schedules, scheduleRecordSchema);
}

async function declared(task: string): Promise<ScheduleRecord | undefined> {
  return (await (await bucket()).get(scheduleKey("dev", idOf(task))))?.value;
}

test("become records, and the agent says which it declares", async () => {
  const agent = await start();
  expect(await declared("daily")).toEqual({
    id: idOf("daily"),
    type: "DECLARATIVE",
    task: "daily",
    active: true,
    cron: "0 9 * * *",
    timezone: "UTC",
    source: expect.stringContaining("default/") as string,
    activeSince: expect.any(Number) as number,
    createdAt: expect.any(Number) as number,
    updatedAt: expect.any(Number) as number,
  });
  expect(await declared("tokyo")).toMatchObject({
    cron: "*/5 * * * *",
    timezone: "Asia/Tokyo",
    window: "10%",
    catchUp: 2,
  });
  expect(await Promise.all(["production", "by-calls", "plain"].map(declared))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  const agents = await Bucket.open(setup().broker.nc, BUCKETS.agents, agentRecordSchema);
  const presence = (await agents.get(agentKey("dev", agent.id)))?.value;
  expect(presence?.schedules?.toSorted()).toEqual([idOf("daily"), idOf("tokyo")].toSorted());
  expect(presence?.source).toBe((await declared("daily"))?.source);
});

test("a task whose cron expression cannot be read is not served, and that is said", async () => {
  const agent = await start();
  const tasks = await Bucket.open(setup().broker.nc, BUCKETS.tasks, taskRecordSchema);
  expect(await tasks.get(taskKey("dev", "unreadable"))).toBeUndefined();
  expect((await tasks.get(taskKey("dev", "by-calls")))?.value.triggerSource).toBe("schedule");
  const line = await agent.line("not served");
  expect(line["error"]).toContain(`Task "unreadable": cron: Field 1 (minute), "61"`);
});

test("declared again as they are, they stay as they are", async () => {
  const before = await declared("daily");
  await start();
  expect(await declared("daily")).toEqual(before);
});

test("of other times, their slots count from now on; dropped by a task's code, they are its own to lose", async () => {
  const schedules = await bucket();
  const put = async (task: string, cron: string): Promise<ScheduleRecord> => {
    const maker = { task, source: "default/elsewhere" };
    const record = scheduleRecord("dev", maker, { task, cron, timezone: "UTC" }, undefined, 1000);
    await schedules.put(scheduleKey("dev", record.id), record);
    return record;
  };
  await put("daily", "0 8 * * *");
  const dropped = await put("by-calls", "0 8 * * *");
  await start();
  const daily = await declared("daily");
  expect(daily).toMatchObject({ cron: "0 9 * * *", createdAt: 1000 });
  expect(daily?.activeSince).toBeGreaterThan(1000);
  expect(await declared("by-calls")).toEqual({ ...dropped, source: daily?.source });
});
