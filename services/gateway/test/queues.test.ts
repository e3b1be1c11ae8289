import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { queueListSchema, queueViewSchema } from "@millrace/proto";
import { post, startGateway, type TestGateway } from "./harness.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.stop();
});

async function queue(path: string, init?: RequestInit) {
  const response = await gateway.fetch(`/api/v1/queues/${path}`, init);
  expect(response.status).toBe(200);
  return queueViewSchema.parse(await response.json());
}

const body = (value: object): RequestInit => post(JSON.stringify(value));

describe("queues", () => {
  it("are listed in pages", async () => {
    const response = await gateway.fetch("/api/v1/queues?page=2&perPage=2");
    const { data, pagination } = queueListSchema.parse(await response.json());
    expect(data).toHaveLength(1);
    expect(pagination).toEqual({ currentPage: 2, totalPages: 2, count: 3 });
  });

  it("are found by name, by task and by id, slashes encoded twice", async () => {
    const mail = await queue("mail?type=custom");
    expect(mail).toMatchObject({
      name: "mail",
      type: "custom",
      concurrencyLimit: 3,
      paused: false,
    });
    expect(await queue(encodeURIComponent(mail.id))).toEqual(mail);
    expect((await queue("team%252Fgreet?type=task")).type).toBe("task");
  });

  it("say how many of their runs execute and wait", async () => {
    await gateway.trigger("greet", { options: { queue: { name: "mail" } } });
    await expect.poll(async () => (await queue("mail?type=custom")).queued).toBe(1);
  });

  it("are paused and resumed", async () => {
    const paused = await queue("mail/pause", body({ type: "custom", action: "pause" }));
    expect(paused).toMatchObject({ paused: true, concurrencyLimit: 3 });
    const resumed = await queue("mail/pause", body({ type: "custom", action: "resume" }));
    expect(resumed.paused).toBe(false);
  });

  it("have their limit overridden and reset", async () => {
    const path = "team%252Fgreet/concurrency";
    const overridden = await queue(`${path}/override`, body({ type: "task", concurrencyLimit: 7 }));
    expect(overridden.concurrency).toMatchObject({ current: 7, base: null, override: 7 });
    const reset = await queue(`${path}/reset`, body({ type: "task" }));
    expect(reset.concurrency).toMatchObject({ current: null, base: null, override: null });
  });
});

describe("refused", () => {
  it("a queue that does not exist", async () => {
    const requests: readonly [string, RequestInit?][] = [
      ["nowhere?type=custom"],
      ["queue_nowhere"],
      ["nowhere/pause", body({ type: "custom", action: "pause" })],
      ["nowhere/concurrency/override", body({ type: "task", concurrencyLimit: 1 })],
      ["nowhere/concurrency/reset", body({ type: "task" })],
    ];
    for (const [path, init] of requests) {
      const response = await gateway.fetch(`/api/v1/queues/${path}`, init);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({
        error: "queue-not-found",
        code: "QUEUE_NOT_FOUND",
      });
    }
  });

  it.each<[string, RequestInit?]>([
    ["mail?type=any"],
    ["mail/pause", body({ type: "custom", action: "stop" })],
    ["mail/pause", body({})],
    ["mail/concurrency/override", body({ type: "custom", concurrencyLimit: -1 })],
    ["mail/concurrency/override", body({ type: "custom", concurrencyLimit: 100_001 })],
    ["mail/concurrency/override", body({ type: "custom" })],
  ])("%s %j", async (path, init) => {
    const response = await gateway.fetch(`/api/v1/queues/${path}`, init);
    expect(response.status).toBe(400);
  });

  it.each(["page=0", "perPage=101", "page=x"])("a list with %s", async (query) => {
    expect((await gateway.fetch(`/api/v1/queues?${query}`)).status).toBe(400);
  });
});
