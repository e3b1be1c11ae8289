/** Runs as they change: one, those with a tag, those of a batch. */
import { auth, runs, tasks, wait } from "@trigger.dev/sdk";
import { describe, expect, test } from "vitest";
import type { approval, echo } from "../../tasks/basic.ts";
import type { reporting, streaming } from "../../tasks/features.ts";
import { apiUrl, FAST } from "./support.ts";

type Seen = { readonly id: string; readonly status: string; readonly isCompleted: boolean };

/** Ends when so many different runs have been seen to complete. */
async function untilCompleted<T extends Seen>(
  subscription: AsyncIterable<T>,
  count: number,
): Promise<Map<string, T>> {
  const completed = new Map<string, T>();
  for await (const run of subscription) {
    if (run.isCompleted) completed.set(run.id, run);
    if (completed.size === count) break;
  }
  return completed;
}

export function realtime(): void {
  describe("subscribeToRun", () => {
    test("shows the run until its end, and ends by itself", async () => {
      const token = await wait.createToken();
      const handle = await tasks.trigger<typeof approval>("approval", { tokenId: token.id });
      const seen: string[] = [];
      let last: unknown;
      for await (const run of runs.subscribeToRun<typeof approval>(handle.id)) {
        last = run;
        if (seen.at(-1) !== run.status) seen.push(run.status);
        if (run.status === "WAITING") await wait.completeToken(token, { by: "Ada" });
      }
      expect(seen).toContain("WAITING");
      expect(last).toMatchObject({
        id: handle.id,
        taskIdentifier: "approval",
        status: "COMPLETED",
        isSuccess: true,
        payload: { tokenId: token.id },
        output: { by: "Ada" },
        createdAt: expect.any(Date) as Date,
        finishedAt: expect.any(Date) as Date,
      });
    });

    test("shows a run that has ended already, once", async () => {
      const handle = await tasks.trigger<typeof echo>("echo", "x");
      await runs.poll(handle, FAST);
      const seen: unknown[] = [];
      for await (const run of runs.subscribeToRun<typeof echo>(handle.id)) seen.push(run.output);
      expect(seen).toEqual(["x"]);
    });

    test("shows metadata while the run changes it", async () => {
      const handle = await tasks.trigger<typeof reporting>("reporting", { steps: 3 });
      const steps: unknown[] = [];
      for await (const run of runs.subscribeToRun(handle.id)) steps.push(run.metadata?.["step"]);
      expect(steps.at(-1)).toBe(3);
      expect(new Set(steps).size).toBeGreaterThan(2);
    });

    test("leaves out the columns that are not wanted", async () => {
      const handle = await tasks.trigger<typeof echo>("echo", "x");
      const skipColumns = ["payload" as const, "output" as const];
      let last: { payload?: unknown; output?: unknown; status: string } | undefined;
      for await (const run of runs.subscribeToRun<typeof echo>(handle.id, { skipColumns }))
        last = run;
      expect(last).toMatchObject({ status: "COMPLETED" });
      expect([last?.payload, last?.output]).toEqual([undefined, undefined]);
    });

    test("withStreams brings the run's streams along", async () => {
      const handle = await tasks.trigger<typeof streaming>("streaming", { count: 3 });
      const parts: unknown[] = [];
      const subscription = runs.subscribeToRun<typeof streaming>(handle.id);
      for await (const part of subscription.withStreams<{ numbers: { n: number } }>()) {
        if (part.type === "numbers") parts.push(part.chunk);
        // The client would wait for further streams for half a minute.
        if (parts.length === 3) break;
      }
      expect(parts).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
    });

    test("of a run nobody made is answered with 404, which the client keeps to itself", async () => {
      const headers = { authorization: `Bearer ${process.env["TRIGGER_SECRET_KEY"] ?? ""}` };
      const url = `${apiUrl()}/realtime/v1/runs/run_0000000000a000000000000000b`;
      const answer = await fetch(`${url}?log=full&offset=-1`, { headers });
      expect(answer.status).toBe(404);
    });

    test("works with the handle's token alone", async () => {
      const handle = await tasks.trigger<typeof echo>("echo", "x");
      const statuses = await auth.withAuth({ accessToken: handle.publicAccessToken }, async () => {
        const seen: string[] = [];
        for await (const run of runs.subscribeToRun(handle.id)) seen.push(run.status);
        return seen;
      });
      expect(statuses.at(-1)).toBe("COMPLETED");
    });
  });

  test("subscribeToRunsWithTag shows runs that were there and those that come, with all the tags", async () => {
    const options = { tags: ["followed", "twice"] };
    const there = await tasks.trigger<typeof echo>("echo", 1, options);
    await tasks.trigger<typeof echo>("echo", 0, { tags: ["followed"] });
    const following = untilCompleted(
      runs.subscribeToRunsWithTag<typeof echo>(["followed", "twice"]),
      2,
    );
    const coming = await tasks.trigger<typeof echo>("echo", 2, options);
    const completed = await following;
    expect([...completed.keys()].toSorted()).toEqual([there.id, coming.id].toSorted());
    expect(completed.get(coming.id)).toMatchObject({ output: 2, tags: ["followed", "twice"] });
  });

  test("subscribeToBatch shows the batch's runs", async () => {
    const handle = await tasks.batchTrigger<typeof echo>("echo", [{ payload: 1 }, { payload: 2 }]);
    const completed = await untilCompleted(runs.subscribeToBatch<typeof echo>(handle.batchId), 2);
    expect([...completed.values()].map(({ output }) => output as unknown).toSorted()).toEqual([
      1, 2,
    ]);
  });
}
