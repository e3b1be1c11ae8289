/** Schedules whose code is gone. */
import {
  agentRecordSchema,
  BUCKETS,
  scheduleKey,
  scheduleRecordSchema,
  type AgentRecord,
} from "@millrace/proto";
import { sleep, TestBroker, until } from "@millrace/harness";
import { Bucket, scheduleRecord, type Logger } from "@millrace/service-kit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Orphans, orphansOf } from "../../src/schedules/orphans.ts";

function agent(changes: Partial<AgentRecord>): AgentRecord {
  return {
    id: "agent_1",
    env: "dev",
    pool: "default",
    host: "host",
    pid: 1,
    startedAt: 1,
    presets: [],
    cpus: 1,
    memoryGb: 1,
    capacity: {},
    draining: false,
    ...changes,
  };
}

describe("a declared schedule", () => {
  const declared = new Map([["dev.a", { id: "a", env: "dev", source: "shop" }]]);

  test("is an orphan when its code is served and nobody declares it", () => {
    expect(orphansOf(declared, [agent({ source: "shop", schedules: ["b"] })])).toEqual(["dev.a"]);
    expect(orphansOf(declared, [agent({ source: "shop" })])).toEqual(["dev.a"]);
  });

  test("is kept by whoever still declares it", () => {
    const [old, fresh] = [agent({ source: "shop", schedules: ["a"] }), agent({ source: "shop" })];
    expect(orphansOf(declared, [old, fresh])).toEqual([]);
    expect(orphansOf(declared, [agent({ source: "other", schedules: ["a"] }), fresh])).toEqual([]);
  });

  test("is kept while nobody serves its code", () => {
    expect(orphansOf(declared, [])).toEqual([]);
    expect(orphansOf(declared, [agent({ source: "mail" }), agent({})])).toEqual([]);
    expect(orphansOf(declared, [agent({ source: "shop", env: "prod" })])).toEqual([]);
  });
});

describe("removing orphans", () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await TestBroker.start();
  });
  afterAll(() => broker.stop());

  test("takes those that stay orphans, and no others", async () => {
    const nc = await broker.connect();
    const schedules = await Bucket.open(nc, BUCKETS.schedules, scheduleRecordSchema);
    const agents = await Bucket.open(nc, BUCKETS.agents, agentRecordSchema);
    const settings = { cron: "0 9 * * *", timezone: "UTC" };
    const put = async (task: string, source: string): Promise<string> => {
      const record = scheduleRecord("dev", { task, source }, { ...settings, task }, undefined, 1);
      await schedules.put(scheduleKey("dev", record.id), record);
      return record.id;
    };
    const dropped = await put("dropped", "shop");
    const kept = await put("kept", "shop");
    const away = await put("away", "mail");
    const byCall = scheduleRecord(
      "dev",
      { deduplicationKey: "k" },
      { ...settings, task: "dropped" },
      undefined,
      1,
    );
    await schedules.put(scheduleKey("dev", byCall.id), byCall);
    const old = agent({ id: "old", source: "shop", schedules: [dropped, kept] });
    await agents.put("old", old);
    await agents.put("new", agent({ id: "new", source: "shop", schedules: [kept] }));
    const log: Partial<Logger> = { info: () => undefined, warn: () => undefined };
    const orphans = await Orphans.start(nc, log as Logger, 200);
    await sleep(800);
    const isThere = async (id: string): Promise<boolean> =>
      (await schedules.get(scheduleKey("dev", id))) !== undefined;
    expect(await isThere(dropped)).toBe(true);
    await agents.delete("old");
    await until("the dropped one is gone", async () => !(await isThere(dropped)));
    expect(await Promise.all([kept, away, byCall.id].map(isThere))).toEqual([true, true, true]);
    await orphans.stop();
  });
});
