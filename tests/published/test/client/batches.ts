/** Batches: announced first, then their items, from lists and from streams. */
import { batch, BatchTriggerError, runs, tasks } from "@trigger.dev/sdk";
import { until } from "@millrace/harness";
import { describe, expect, test } from "vitest";
import { echo, slashed } from "../../tasks/basic.ts";
import { FAST, ONCE } from "./support.ts";

type Item = { payload: { n: number }; options?: { tags?: string[]; delay?: string } };

async function* numbered(count: number): AsyncGenerator<Item> {
  for (let n = 0; n < count; n++) yield { payload: { n } };
}

async function outputsOf(batchId: string): Promise<unknown[]> {
  const { runs: ids } = await batch.retrieve(batchId);
  const ended = await Promise.all(ids.map((id) => runs.poll(id, FAST)));
  return ended.map(({ output }) => output as unknown);
}

const NUMBERS = Array.from({ length: 25 }, (_, n) => ({ n }));

export function batches(): void {
  describe("tasks.batchTrigger", () => {
    test("of a list: a run for each item, in order", async () => {
      const handle = await tasks.batchTrigger<typeof echo>(
        "echo",
        NUMBERS.map((payload) => ({ payload })),
      );
      expect(handle).toMatchObject({ runCount: 25 });
      expect(handle.batchId).toMatch(/^batch_/);
      expect(handle.publicAccessToken.split(".")).toHaveLength(3);
      expect(await outputsOf(handle.batchId)).toEqual(NUMBERS);
    });

    test.each<[string, () => AsyncIterable<Item>]>([
      ["an async iterable", () => numbered(25)],
      ["a readable stream", () => ReadableStream.from(numbered(25)) as ReadableStream<Item>],
    ])("of %s, by the task itself: the same", async (_name, items) => {
      const handle = await echo.batchTrigger(items());
      expect(handle.runCount).toBe(25);
      expect(await outputsOf(handle.batchId)).toEqual(NUMBERS);
    });

    test("items have options of their own, and know their batch", async () => {
      const handle = await tasks.batchTrigger<typeof echo>("echo", [
        { payload: 1, options: { tags: ["one"], metadata: { n: 1 } } },
        { payload: 2, options: { delay: "1h" } },
      ]);
      const { runs: ids } = await batch.retrieve(handle.batchId);
      const [first, second] = await Promise.all(ids.map((id) => runs.retrieve(id)));
      expect(first).toMatchObject({ tags: ["one"], batchId: handle.batchId, metadata: { n: 1 } });
      expect(second).toMatchObject({ status: "DELAYED", batchId: handle.batchId });
      await runs.cancel(second?.id ?? "");
    });

    test("an idempotency key: the same batch and the same runs again", async () => {
      const trigger = (): ReturnType<typeof tasks.batchTrigger<typeof echo>> =>
        tasks.batchTrigger<typeof echo>("echo", [{ payload: 1 }, { payload: 2 }], {
          idempotencyKey: "batch-key",
        });
      const [first, again] = [await trigger(), await trigger()];
      expect(again.batchId).toBe(first.batchId);
      expect(await outputsOf(again.batchId)).toEqual([1, 2]);
    });

    test("items' idempotency keys: the same run in two batches", async () => {
      const items = [{ payload: 1, options: { idempotencyKey: "item-key" } }];
      const [first, second] = [
        await tasks.batchTrigger<typeof echo>("echo", items),
        await tasks.batchTrigger<typeof echo>("echo", items),
      ];
      expect(second.batchId).not.toBe(first.batchId);
      expect((await batch.retrieve(second.batchId)).runs).toEqual(
        (await batch.retrieve(first.batchId)).runs,
      );
    });
  });

  describe("batch.trigger", () => {
    test("takes items of several tasks, from a list and from a stream", async () => {
      const items = [
        { id: "echo" as const, payload: "first" },
        { id: "folder/task" as const, payload: { n: 3 } },
      ];
      const listed = await batch.trigger<typeof echo | typeof slashed>(items);
      const streamed = await batch.trigger<typeof echo | typeof slashed>(
        ReadableStream.from(items) as ReadableStream<(typeof items)[number]>,
      );
      expect(await outputsOf(listed.batchId)).toEqual(["first", 3]);
      expect(await outputsOf(streamed.batchId)).toEqual(["first", 3]);
    });

    test("triggerByTask takes the tasks themselves", async () => {
      const handle = await batch.triggerByTask([
        { task: slashed, payload: { n: 1 } },
        { task: slashed, payload: { n: 2 } },
      ]);
      expect(await outputsOf(handle.batchId)).toEqual([1, 2]);
    });

    test("retrieve: what became of the items, those that were refused included", async () => {
      const handle = await batch.trigger([
        { id: "echo", payload: 1 },
        { id: "nobody", payload: 2 },
      ]);
      const retrieved = await batch.retrieve(handle.batchId);
      expect(retrieved).toMatchObject({
        id: handle.batchId,
        status: "PARTIAL_FAILED",
        runCount: 2,
        processing: {
          errors: [
            {
              index: 1,
              taskIdentifier: "nobody",
              error: expect.stringContaining('"nobody" is not registered') as string,
            },
          ],
        },
      });
      expect(retrieved.createdAt).toBeInstanceOf(Date);
      expect(retrieved.runs).toHaveLength(1);
      await until("its run has ended", async () => {
        const [id = ""] = retrieved.runs;
        return (await runs.retrieve(id)).isCompleted;
      });
    });

    test("an empty batch, and one of over a thousand items, is refused when it is announced", async () => {
      const items = Array.from({ length: 1001 }, () => ({ payload: 1 }));
      for (const refused of [tasks.batchTrigger("echo", []), tasks.batchTrigger("echo", items)]) {
        const error: unknown = await refused.catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(BatchTriggerError);
        expect(error).toMatchObject({ phase: "create", apiError: { status: 400 } });
      }
    });

    test("a batch nobody made is not found", async () => {
      const refused = batch.retrieve("batch_0123456789abcdef", ONCE);
      await expect(refused).rejects.toMatchObject({ status: 404 });
    });
  });
}
