/** Managing queues. */
import type { CallInput } from "@millrace/proto";
import { until } from "@millrace/harness";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PlatformCalls } from "../src/index.ts";
import { Platform, refusal, value, type Client } from "./platform.ts";

let platform: Platform;
let client: Client;
let calls: PlatformCalls;

beforeAll(async () => {
  platform = await Platform.start();
  client = await platform.client();
  calls = await client.calls();
});
afterAll(() => platform.stop());

describe("queues", () => {
  const reference = { type: "custom" as const, name: "mail/out" };
  beforeAll(async () => {
    for (const name of ["mail/out", "b", "a"])
      await platform.declare({ name, type: "custom", concurrencyLimit: name === "b" ? 2 : null });
    await until("they are known", () => client.catalog.queues("dev").length === 4);
  });

  test("are listed by name, in pages", async () => {
    const names = async (input: CallInput<"queues.list">) => {
      const { data, pagination } = await value(calls, "queues.list", input);
      return { names: data.map(({ name }) => name), ...pagination };
    };
    expect(await names({ perPage: 3 })).toEqual({
      names: ["a", "b", "mail/out"],
      currentPage: 1,
      totalPages: 2,
      count: 4,
    });
    expect(await names({ perPage: 3, page: 2 })).toMatchObject({ names: ["resize"] });
  });

  test("are found by task, by name and by id", async () => {
    const found = await value(calls, "queues.retrieve", { queue: reference });
    expect(found).toEqual({
      id: "queue_mail=002fout",
      name: "mail/out",
      type: "custom",
      running: 0,
      queued: 0,
      paused: false,
      concurrencyLimit: null,
      concurrency: {
        current: null,
        base: null,
        override: null,
        overriddenAt: null,
        overriddenBy: null,
      },
    });
    expect(
      await value(calls, "queues.retrieve", { queue: { type: "id", name: found.id } }),
    ).toEqual(found);
    expect(
      await value(calls, "queues.retrieve", { queue: { type: "task", name: "resize" } }),
    ).toMatchObject({ id: "queue_task=002fresize", name: "resize", type: "task" });
    for (const name of ["none", "queue_none", "queue_", "é".repeat(5000)])
      for (const type of ["id", "task", "custom"] as const)
        expect(await refusal(calls, "queues.retrieve", { queue: { type, name } })).toBe(
          "QUEUE_NOT_FOUND",
        );
  });

  test("are paused, overridden and reset; what was declared stays", async () => {
    const queue = { type: "custom" as const, name: "b" };
    expect(await value(calls, "queues.pause", { queue, action: "pause" })).toMatchObject({
      paused: true,
    });
    expect(
      (await value(calls, "queues.list", {})).data.find(({ name }) => name === "b"),
    ).toMatchObject({
      paused: true,
    });
    const overridden = await value(calls, "queues.override", { queue, concurrencyLimit: 9 });
    expect(overridden).toMatchObject({
      paused: true,
      concurrencyLimit: 9,
      concurrency: { current: 9, base: 2, override: 9 },
    });
    expect(overridden.concurrency.overriddenAt).not.toBeNull();
    await value(calls, "queues.pause", { queue, action: "resume" });
    expect(await value(calls, "queues.reset", { queue })).toMatchObject({
      paused: false,
      concurrencyLimit: 2,
      concurrency: { override: null, overriddenAt: null },
    });
    expect(await client.catalog.queue("dev", "b")).toEqual({
      name: "b",
      type: "custom",
      concurrencyLimit: 2,
    });
    const none = { type: "custom" as const, name: "none" };
    expect(await refusal(calls, "queues.pause", { queue: none, action: "pause" })).toBe(
      "QUEUE_NOT_FOUND",
    );
  });

  test("show what a projection counts, where there is one", async () => {
    const counting = await client.calls({
      counts: (env, queue) => ({ running: env.length, queued: queue.length }),
    });
    expect(await value(counting, "queues.retrieve", { queue: reference })).toMatchObject({
      running: 3,
      queued: 8,
    });
  });
});
