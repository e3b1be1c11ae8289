/** `runs`: reading, listing, cancelling, replaying and moving runs. */
import { idempotencyKeys, runs, tasks } from "@trigger.dev/sdk";
import { until } from "@millrace/harness";
import { describe, expect, test } from "vitest";
import type { echo, endless, large } from "../../tasks/basic.ts";
import { FAST, ONCE } from "./support.ts";

/** Three runs that nothing else has the tag of, newest first. */
async function taggedRuns(tag: string): Promise<string[]> {
  const ids: string[] = [];
  for (const n of [1, 2, 3])
    ids.unshift((await tasks.trigger<typeof echo>("echo", n, { tags: [tag, `${tag}-${n}`] })).id);
  await Promise.all(ids.map((id) => runs.poll(id, FAST)));
  return ids;
}

async function untilExecuting(id: string): Promise<void> {
  await until("the run executes", async () => (await runs.retrieve(id)).status === "EXECUTING");
}

export function running(): void {
  test("retrieve: what the client's schema expects of a run, with dates", async () => {
    const handle = await tasks.trigger<typeof echo>("echo", { a: 1 });
    const run = await runs.poll(handle, FAST);
    expect(run).toMatchObject({
      isQueued: false,
      isExecuting: false,
      isWaiting: false,
      isCompleted: true,
      isSuccess: true,
      isFailed: false,
      isCancelled: false,
      isTest: false,
      depth: 0,
      triggerFunction: "trigger",
      costInCents: 0,
      relatedRuns: {},
    });
    for (const date of [run.createdAt, run.updatedAt, run.startedAt, run.finishedAt])
      expect(date).toBeInstanceOf(Date);
    expect(run.durationMs).toBeGreaterThanOrEqual(0);
  });

  test("a payload and an output of over 128 KB go by the store, unseen by the caller", async () => {
    const text = "äb".repeat(100_000);
    const handle = await tasks.trigger<typeof large>("large", { text });
    const run = await runs.poll(handle, FAST);
    expect(run.status).toBe("COMPLETED");
    expect(run.payload).toEqual({ text });
    expect(run.output).toEqual({ text: text.toUpperCase() });
    const signed = await fetch(run.payloadPresignedUrl ?? "");
    expect(signed.status).toBe(200);
    expect((await signed.text()).length).toBeGreaterThan(200_000);
  });

  describe("list", () => {
    test("filters, and goes through the pages both ways", async () => {
      const ids = await taggedRuns("paged");
      const first = await runs.list({ tag: "paged", limit: 2 });
      expect(first.data.map(({ id }) => id)).toEqual(ids.slice(0, 2));
      expect([first.hasNextPage(), first.hasPreviousPage()]).toEqual([true, false]);
      const second = await first.getNextPage();
      expect(second.data.map(({ id }) => id)).toEqual(ids.slice(2));
      expect([second.hasNextPage(), second.hasPreviousPage()]).toEqual([false, true]);
      const back = await second.getPreviousPage();
      expect(back.data.map(({ id }) => id)).toEqual(ids.slice(0, 2));
      // The client sends the cursor it went back with once more, and that one counts: v4's own answer.
      expect((await back.getNextPage()).data).toEqual(back.data);
      const [item] = first.data;
      expect(item).toMatchObject({
        status: "COMPLETED",
        taskIdentifier: "echo",
        tags: ["paged", "paged-3"],
      });
      expect(item?.createdAt).toBeInstanceOf(Date);
    });

    test("iterates over all pages", async () => {
      const ids = await taggedRuns("iterated");
      const seen: string[] = [];
      for await (const { id } of runs.list({ tag: "iterated", limit: 1 })) seen.push(id);
      expect(seen).toEqual(ids);
    });

    test("every filter narrows", async () => {
      const from = new Date();
      const [newest] = await taggedRuns("narrowed");
      const base = { tag: "narrowed", from };
      const matching = [
        { status: "COMPLETED" as const },
        { status: ["COMPLETED" as const, "FAILED" as const] },
        { taskIdentifier: ["echo", "other"] },
        { tag: ["narrowed-3"] },
        { queue: { type: "task" as const, name: "echo" } },
        { machine: "micro" as const },
        { isTest: false },
        { period: "1h", from: undefined },
        { to: new Date(Date.now() + 60_000) },
      ];
      for (const filter of matching) {
        const { data } = await runs.list({ ...base, ...filter } as never);
        expect([JSON.stringify(filter), data[0]?.id]).toEqual([JSON.stringify(filter), newest]);
      }
      const excluding = [
        { status: "FAILED" as const },
        { taskIdentifier: "other" },
        { tag: "nobody-has-it" },
        { queue: { type: "custom" as const, name: "line" } },
        { machine: "large-2x" as const },
        { isTest: true },
        { batch: "batch_0" },
        { version: "20200101.1" },
        { region: "nowhere" },
        { from: new Date(Date.now() + 60_000) },
      ];
      for (const filter of excluding) {
        const { data } = await runs.list({ ...base, ...filter });
        expect([JSON.stringify(filter), data]).toEqual([JSON.stringify(filter), []]);
      }
    });
  });

  test("cancel: a delayed run at once, an executing one through its signal", async () => {
    const delayed = await tasks.trigger<typeof echo>("echo", 1, { delay: "1h" });
    expect(await runs.cancel(delayed.id)).toEqual({ id: delayed.id });
    expect(await runs.poll(delayed, FAST)).toMatchObject({ status: "CANCELED", attemptCount: 0 });
    const executing = await tasks.trigger<typeof endless>("endless", null);
    await untilExecuting(executing.id);
    await runs.cancel(executing.id);
    const run = await runs.poll(executing, FAST);
    expect(run).toMatchObject({ status: "CANCELED", isCancelled: true });
    expect(await runs.cancel(executing.id)).toEqual({ id: executing.id });
  });

  describe("replay", () => {
    test("a new run with the same payload, tags and metadata", async () => {
      const options = { tags: ["replayed"], metadata: { a: 1 } };
      const handle = await tasks.trigger<typeof echo>("echo", { n: 1 }, options);
      await runs.poll(handle, FAST);
      const { id } = await runs.replay(handle.id);
      expect(id).not.toBe(handle.id);
      expect(await runs.poll(id, FAST)).toMatchObject({
        status: "COMPLETED",
        payload: { n: 1 },
        output: { n: 1 },
        tags: ["replayed"],
        metadata: { a: 1 },
      });
    });

    test("with another payload", async () => {
      const handle = await tasks.trigger<typeof echo>("echo", { n: 1 });
      const { id } = await runs.replay(handle.id, { payload: { at: new Date(0) } });
      expect((await runs.poll(id, FAST)).output).toEqual({ at: "1970-01-01T00:00:00.000Z" });
    });

    test("in another region", async () => {
      const handle = await tasks.trigger<typeof echo>("echo", { n: 1 });
      const { id } = await runs.replay(handle.id, { region: "nowhere" });
      expect(await runs.retrieve(id)).toMatchObject({ status: "QUEUED", region: "nowhere" });
      await runs.cancel(id);
    });
  });

  describe("reschedule", () => {
    test("moves a delayed run", async () => {
      const handle = await tasks.trigger<typeof echo>("echo", 1, { delay: "1h" });
      const moved = await runs.reschedule(handle.id, { delay: "2h" });
      expect(moved.status).toBe("DELAYED");
      expect(moved.delayedUntil?.getTime()).toBeGreaterThan(Date.now() + 7_000_000);
      await runs.reschedule(handle.id, { delay: new Date(Date.now() + 200) });
      expect((await runs.poll(handle, FAST)).status).toBe("COMPLETED");
    });

    test("refuses one that has left its delay", async () => {
      const handle = await tasks.trigger<typeof echo>("echo", 1);
      await runs.poll(handle, FAST);
      const refused = runs.reschedule(handle.id, { delay: "1h" }, ONCE);
      await expect(refused).rejects.toMatchObject({ status: 422 });
    });
  });

  test("idempotencyKeys.reset: the key stands for no run any more", async () => {
    const key = await idempotencyKeys.create("to-reset", { scope: "global" });
    const trigger = async (): Promise<string> =>
      (await tasks.trigger<typeof echo>("echo", 1, { idempotencyKey: key })).id;
    const first = await trigger();
    expect(await trigger()).toBe(first);
    await idempotencyKeys.reset("echo", key);
    const second = await trigger();
    expect(second).not.toBe(first);
    await idempotencyKeys.reset("echo", "to-reset", { scope: "global" });
    expect(await trigger()).not.toBe(second);
    const unknown = idempotencyKeys.reset("echo", "never-used", { scope: "global" }, ONCE);
    await expect(unknown).rejects.toMatchObject({ status: 404 });
  });

  describe("bulk actions", () => {
    test("cancel by filter and replay by ids, followed to their end", async () => {
      const delay = "1h";
      const handles = await Promise.all(
        [1, 2].map((n) => tasks.trigger<typeof echo>("echo", n, { tags: ["bulk"], delay })),
      );
      const ids = handles.map(({ id }) => id);
      const cancel = await runs.bulk.cancel({ filter: { tag: "bulk" }, name: "all of them" });
      expect(await runs.bulk.poll(cancel.id, FAST)).toMatchObject({
        id: cancel.id,
        name: "all of them",
        type: "CANCEL",
        status: "COMPLETED",
        counts: { total: 2, success: 2, failure: 0 },
      });
      for (const id of ids) expect((await runs.retrieve(id)).status).toBe("CANCELED");
      const replay = await runs.bulk.replay({ runIds: ids });
      expect(await runs.bulk.poll(replay.id, FAST)).toMatchObject({
        type: "REPLAY",
        counts: { total: 2, success: 2 },
      });
      const listed = await runs.bulk.list({ limit: 1 });
      expect(listed.data.map(({ id }) => id)).toEqual([replay.id]);
      const [previous] = (await listed.getNextPage()).data;
      expect(previous?.id).toBe(cancel.id);
      expect((await runs.bulk.abort(replay.id)).id).toBe(replay.id);
      expect((await runs.list({ bulkAction: replay.id })).data).toHaveLength(2);
    });
  });
}
