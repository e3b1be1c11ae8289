/** `queues`: what waits where, and how much of it runs. */
import { queues, runs, tasks } from "@trigger.dev/sdk";
import { expect, test } from "vitest";
import type { held } from "../../tasks/basic.ts";
import { FAST, ONCE } from "./support.ts";

const QUEUE = { type: "task", name: "held" } as const;

export function queueing(): void {
  test("list: every declared queue, page by page", async () => {
    const all = await queues.list({ perPage: 100 });
    expect(all.data.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["line", "held", "folder/task"]),
    );
    const names: string[] = [];
    for await (const { name } of queues.list({ perPage: 2 })) names.push(name);
    expect(names).toEqual(all.data.map(({ name }) => name));
  });

  test("retrieve: by task, by name and by id", async () => {
    const own = await queues.retrieve(QUEUE);
    expect(own).toMatchObject({
      name: "held",
      type: "task",
      paused: false,
      concurrencyLimit: 7,
      concurrency: { current: 7, base: 7, override: null },
    });
    expect(await queues.retrieve(own.id)).toEqual(own);
    expect(await queues.retrieve({ type: "custom", name: "line" })).toMatchObject({
      name: "line",
      type: "custom",
      concurrencyLimit: 1,
    });
    expect(await queues.retrieve({ type: "task", name: "folder/task" })).toMatchObject({
      name: "folder/task",
      type: "task",
    });
  });

  test("pause holds runs back, resume lets them go", async () => {
    expect(await queues.pause(QUEUE)).toMatchObject({ paused: true });
    const handle = await tasks.trigger<typeof held>("held", 1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await runs.retrieve(handle.id)).status).toBe("QUEUED");
    expect(await queues.retrieve(QUEUE)).toMatchObject({ paused: true, queued: 1, running: 0 });
    expect(await queues.resume(QUEUE)).toMatchObject({ paused: false });
    expect((await runs.poll(handle, FAST)).status).toBe("COMPLETED");
  });

  test("an override replaces the limit until it is reset", async () => {
    const overridden = await queues.overrideConcurrencyLimit(QUEUE, 2);
    expect(overridden).toMatchObject({
      concurrencyLimit: 2,
      concurrency: { current: 2, base: 7, override: 2 },
    });
    expect(overridden).toHaveProperty("concurrency.overriddenAt", expect.any(Date));
    expect(await queues.resetConcurrencyLimit(QUEUE)).toMatchObject({
      concurrencyLimit: 7,
      concurrency: { current: 7, base: 7, override: null },
    });
  });

  test("a queue nobody declared is not found", async () => {
    const refused = queues.retrieve({ type: "custom", name: "nowhere" }, ONCE);
    await expect(refused).rejects.toMatchObject({ status: 404, message: "queue-not-found" });
  });
}
