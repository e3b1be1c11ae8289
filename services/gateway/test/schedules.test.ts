/** `/api/v1/schedules` and `/api/v1/timezones`. */
import { randomBytes } from "node:crypto";
import {
  BUCKETS,
  makeRunId,
  retrievedRunSchema,
  RUN_ID_RANDOM_BYTES,
  scheduleListSchema,
  scheduleViewSchema,
  taskKey,
  taskRecordSchema,
  timezonesSchema,
} from "@millrace/proto";
import { Bucket } from "@millrace/service-kit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authorization, ENV, KEY, post, startGateway, type TestGateway } from "./harness.ts";

let gateway: TestGateway;

const nine = { task: "report", cron: "0 9 * * *", timezone: "Asia/Tokyo" };

beforeAll(async () => {
  gateway = await startGateway();
  const tasks = await Bucket.open(gateway.nc, BUCKETS.tasks, taskRecordSchema);
  await tasks.put(taskKey(ENV, "report"), {
    id: "report",
    queue: "task/greet",
    machine: "small-1x",
    isolation: "process",
    filePath: "tasks/report.ts",
    triggerSource: "schedule",
  });
});
afterAll(async () => {
  await gateway.stop();
});

const send = (method: string, path: string, body?: object): Promise<Response> =>
  gateway.fetch(`/api/v1/schedules${path}`, {
    method,
    headers: authorization(KEY),
    ...(body ? { body: JSON.stringify(body) } : {}),
  });

async function schedule(method: string, path: string, body?: object) {
  const response = await send(method, path, body);
  expect(response.status).toBe(200);
  return scheduleViewSchema.parse(await response.json());
}

describe("a schedule", () => {
  it("is created, read, replaced, switched off and on, and deleted", async () => {
    const made = await schedule("POST", "", { ...nine, deduplicationKey: "k", externalId: "u" });
    expect(made).toMatchObject({ type: "IMPERATIVE", deduplicationKey: "k", externalId: "u" });
    expect(made.generator).toEqual({
      type: "CRON",
      expression: "0 9 * * *",
      description: "At 09:00 AM",
    });
    const path = `/${made.id}`;
    expect(await schedule("GET", path)).toEqual(made);
    expect(await schedule("PUT", path, { ...nine, cron: "0 10 * * *" })).toMatchObject({
      id: made.id,
      generator: { expression: "0 10 * * *" },
    });
    expect((await schedule("POST", `${path}/deactivate`)).active).toBe(false);
    expect((await schedule("POST", `${path}/activate`)).active).toBe(true);
    const deleted = await send("DELETE", path);
    expect([deleted.status, await deleted.json()]).toEqual([200, { id: made.id }]);
    expect((await send("GET", path)).status).toBe(404);
  });

  it("is listed in pages", async () => {
    for (const deduplicationKey of ["a", "b", "c"])
      await schedule("POST", "", { ...nine, deduplicationKey });
    const response = await gateway.fetch("/api/v1/schedules?page=2&perPage=2");
    const { data, pagination } = scheduleListSchema.parse(await response.json());
    expect(data).toHaveLength(1);
    expect(pagination).toEqual({ currentPage: 2, totalPages: 2, count: 3 });
  });
});

it("a run of a slot is shown with its schedule, and with its id alone when that is gone", async () => {
  const made = await schedule("POST", "", { ...nine, deduplicationKey: "shown", externalId: "u" });
  const runId = makeRunId(0, Date.now(), randomBytes(RUN_ID_RANDOM_BYTES));
  await gateway.state(runId, "client", "run-triggered", {
    at: Date.now(),
    env: ENV,
    taskId: "report",
    queue: "task/greet",
    payload: { type: "application/json" },
    tags: [],
    machine: "small-1x",
    isolation: "process",
    pool: "default",
    priorityMs: 0,
    depth: 0,
    isTest: false,
    schedule: { id: made.id, slotAt: Date.now() },
  });
  const show = async () => {
    const response = await gateway.fetch(`/api/v3/runs/${runId}`);
    return retrievedRunSchema.parse(await response.json()).schedule;
  };
  const { id, externalId, deduplicationKey, generator } = made;
  expect(await show()).toEqual({ id, externalId, deduplicationKey, generator });
  await send("DELETE", `/${id}`);
  expect(await show()).toEqual({ id });
});

it("time zones are listed, without a key", async () => {
  const zones = async (query: string) => {
    const response = await fetch(`${gateway.url}/api/v1/timezones${query}`);
    return timezonesSchema.parse(await response.json()).timezones;
  };
  expect(await zones("")).toContain("UTC");
  expect(await zones("?excludeUtc=true")).not.toContain("UTC");
});

describe("refused", () => {
  it.each([
    [400, "BAD_REQUEST", { ...nine }],
    [400, "BAD_REQUEST", { ...nine, deduplicationKey: "" }],
    [400, "BAD_REQUEST", { ...nine, deduplicationKey: "k", catchUp: 1001 }],
    [422, "INVALID_OPTION", { ...nine, deduplicationKey: "k", cron: "0 9 * *" }],
    [422, "INVALID_OPTION", { ...nine, deduplicationKey: "k", timezone: "Nowhere" }],
    [422, "TASK_NOT_SCHEDULABLE", { ...nine, deduplicationKey: "k", task: "greet" }],
    [404, "TASK_NOT_FOUND", { ...nine, deduplicationKey: "k", task: "nowhere" }],
  ])("with %d %s: %j", async (status, code, body) => {
    const response = await gateway.fetch("/api/v1/schedules", post(JSON.stringify(body)));
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  });

  it.each(["page=0", "perPage=101", "page=x"])("a list with %s", async (query) => {
    expect((await gateway.fetch(`/api/v1/schedules?${query}`)).status).toBe(400);
  });
});
